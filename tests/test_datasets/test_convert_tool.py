"""tools/convert.py: from masks, and back to masks."""

import csv
import json

import cv2
import numpy as np
import pytest
from convert_runs import boxed, convert, read, regions, same_masks

from fdep_mm.datasets.sirst_xml import parse_boxes


@pytest.fixture
def folder(mixed_folder):
    return mixed_folder


@pytest.fixture
def images(folder):
    return '--images', folder / 'images'


def test_coco_and_back_is_exact(folder, tmp_path):
    coco = tmp_path / 'my coco'
    code, printed, errors = convert(folder, 'masks', 'coco', coco)
    assert (code, errors) == (0, '') and '6 images' in printed
    content = json.loads((coco / 'train.json').read_text())
    names = [image['file_name'] for image in content['images']]
    assert names == ['Misc_0.png', 'Misc_1.png', 'sub/Misc_2.png'] + [
        'Misc_3.png'
    ]
    for split, count in (('train', 4), ('test', 2)):
        out = tmp_path / f'masks {split}'
        done = convert(coco / f'{split}.json', 'coco', 'masks', out)
        assert (done.code, done.err) == (0, '')
        same_masks(out, folder / 'masks', count)


@pytest.mark.parametrize('kind', ['voc', 'sirst-v2', 'yolo'])
def test_boxes_and_back(folder, images, tmp_path, kind):
    boxed(folder)
    out, back = tmp_path / 'labels', tmp_path / 'back'
    assert convert(folder, 'masks', kind, out).code == 0
    code, printed, _ = convert(out, kind, 'masks', back, *images)
    assert code == 0 and '6 images' in printed
    same_masks(back, folder / 'masks', 6)


def test_label_files_are_found_as_images_are(folder, images, tmp_path):
    """Letters in two forms, upper case suffixes, files of a Mac, classes."""
    name = 'Misc_\u00e4'
    for kind in ('images', 'masks'):
        path = folder / kind / 'Misc_3.png'
        path.rename(folder / kind / f'{name}.png')
    split = folder / 'img_idx/train_NUAA-SIRST.txt'
    split.write_text(split.read_text().replace('Misc_3', name))
    boxed(folder)
    out, back = tmp_path / 'yolo', tmp_path / 'back'
    convert(folder, 'masks', 'yolo', out)
    (out / f'{name}.txt').rename(out / 'Misc_a\u0308.txt')
    (out / 'Misc_0.txt').rename(out / 'Misc_0.TXT')
    (out / '._Misc_0.txt').write_bytes(b'\0\5')
    (out / 'classes.txt').write_text('target\n')
    done = convert(out, 'yolo', 'masks', back, *images, '--background')
    assert done == (0, f'6 images: {back}\n', '')
    same_masks(back, folder / 'masks', 6)


def test_images_that_a_table_of_points_lacks(images, tmp_path):
    table = tmp_path / 'a.csv'
    table.write_text('image,x,y\nMisc_0,3,4\n')
    words = table, 'points', 'masks'
    code, printed, errors = convert(*words, tmp_path / 'some', *images)
    assert code == 0 and '1 images' in printed
    assert 'warning: 5 images have no label' in errors
    convert(*words, tmp_path / 'all', *images, '--background')
    assert len(list((tmp_path / 'all').rglob('*.png'))) == 6


def test_points_and_back(folder, images, tmp_path):
    out, back = tmp_path / 'points', tmp_path / 'back'
    assert convert(folder, 'masks', 'points', out).code == 0
    with (out / 'train.csv').open() as file:
        rows = [row for row in csv.DictReader(file) if row['x']]
    (region,) = regions(read(folder / 'masks/Misc_0.png') > 0)
    assert (float(rows[0]['y']), float(rows[0]['x'])) == region.centroid
    table = out / 'train.csv'
    assert convert(table, 'points', 'masks', back, *images).code == 0
    direct = tmp_path / 'direct'
    assert convert(folder, 'masks', 'point-masks', direct).code == 0
    same_masks(back, direct, 4)
    drawn = np.count_nonzero(read(direct / 'sub/Misc_2.png'))
    assert drawn == len(regions(read(folder / 'masks/sub/Misc_2.png') > 0))
    assert drawn == 4


def test_unreadable_files_do_not_stop_the_conversion(folder, images, tmp_path):
    (folder / 'masks/Misc_0.png').write_bytes(b'no picture')
    (folder / 'masks/Misc_3.png').unlink()
    out = tmp_path / 'out'
    code, printed, errors = convert(folder, 'masks', 'yolo', out)
    assert code == 1 and '4 images' in printed
    assert 'Misc_0.png' in errors and 'mask-missing' in errors
    assert len(list(out.rglob('*.txt'))) == 4
    (out / 'Misc_5.txt').write_text('0 1 2\n')
    (folder / 'images/Misc_4.png').write_bytes(b'')
    back = tmp_path / 'back'
    code, printed, errors = convert(out, 'yolo', 'masks', back, *images)
    assert code == 1 and '2 images' in printed
    assert 'Misc_4.png' in errors and 'Misc_5.txt, line 1' in errors


def test_masks_of_another_size_are_left_out(folder, tmp_path):
    cv2.imwrite(str(folder / 'masks/Misc_3.png'), np.zeros((9, 52), np.uint8))
    out = tmp_path / 'out'
    code, printed, errors = convert(folder, 'masks', 'yolo', out)
    assert code == 1 and '5 images' in printed
    assert 'Misc_3.png: is 52x9 px, its image 52x40' in errors
    assert len(list(out.rglob('*.txt'))) == 5


@pytest.mark.parametrize('kind', ['yolo', 'voc'])
def test_images_without_label_file(folder, images, tmp_path, kind):
    out, back = tmp_path / kind, tmp_path / 'back'
    convert(folder, 'masks', kind, out)
    for name in ('Misc_1', 'sub/Misc_2'):
        (out / name).with_suffix('.txt').unlink(missing_ok=True)
        (out / name).with_suffix('.xml').unlink(missing_ok=True)
    code, printed, errors = convert(out, kind, 'masks', back, *images)
    assert code == 0 and '4 images' in printed
    assert 'warning: 2 images have no label file' in errors
    assert "('Misc_1', 'sub/Misc_2'); with --background" in errors
    back = tmp_path / 'all'
    words = (*images, '--background')
    code, printed, errors = convert(out, kind, 'masks', back, *words)
    assert code == 0 and '6 images' in printed and not errors
    assert not read(back / 'sub/Misc_2.png').any()


def test_targets_with_one_center_are_named(folder, tmp_path):
    mask = np.zeros((40, 52), np.uint8)
    cv2.circle(mask, (20, 20), 8, 255)
    mask[20, 20] = 255
    cv2.imwrite(str(folder / 'masks/Misc_1.png'), mask)
    out = tmp_path / 'out'
    done = convert(folder, 'masks', 'point-masks', out)
    assert done.code == 1 and len(list(out.rglob('*.png'))) == 5
    assert 'Misc_1: points' in done.err and 'in one pixel' in done.err


def test_boxes_of_sirst_v2(find_data, tmp_path):
    """What is written from masks equals the published XML files."""
    root = find_data('sirst-v2')
    ids = (root / 'splits/test_v1.txt').read_text().split()[:20]
    (tmp_path / 'some.txt').write_text('\n'.join(ids))
    split = '--split', f'some={tmp_path / "some.txt"}'
    out = tmp_path / 'xml'
    assert convert(root, 'masks', 'sirst-v2', out, *split).code == 0
    for image_id in ids:
        own, published = (
            parse_boxes(path.read_bytes(), str(path)).tolist()
            for path in (
                out / f'{image_id}.xml',
                root / f'annotations/bboxes/{image_id}.xml',
            )
        )
        assert sorted(own) == sorted(published)


@pytest.mark.parametrize(
    ('kind', 'to', 'option', 'needs'),
    [
        ('voc', 'masks', '--masks a', '--from masks'),
        ('voc', 'masks', '--mask-suffix a', '--from masks'),
        ('voc', 'masks', '--split a=b', '--from masks'),
        ('coco', 'masks', '--images a', '--from masks or voc'),
        ('coco', 'yolo', '--background', '--from voc or'),
        ('masks', 'voc', '--background', '--from voc or'),
        ('masks', 'voc', '--fill box', '--from coco or voc'),
        ('points', 'masks', '--fill box', '--from coco or voc'),
        ('voc', 'masks', '--polygon contour', '--from coco'),
        ('voc', 'masks', '--radius 3', '--from points'),
        ('coco', 'yolo', '--fill ellipse', '--to masks'),
        ('coco', 'yolo', '--polygon contour', '--to masks'),
    ],
)
def test_options_that_cannot_act(tmp_path, kind, to, option, needs):
    done = convert(tmp_path, kind, to, tmp_path / 'out', *option.split())
    assert done.code == 2
    assert f'{option.split()[0]}: needs {needs}' in done.err


def test_dots_in_names_of_coco_files(tmp_path):
    size = dict(height=9, width=9)
    images = [dict(size, id=i, file_name=f'frame.000{i}') for i in range(2)]
    path = tmp_path / 'a.json'
    path.write_text(json.dumps(dict(images=images, annotations=[])))
    assert convert(path, 'coco', 'masks', tmp_path / 'out').code == 0
    names = sorted(path.name for path in (tmp_path / 'out').iterdir())
    assert names == ['frame.0000.png', 'frame.0001.png']
