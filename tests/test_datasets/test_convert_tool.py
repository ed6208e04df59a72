"""tools/convert.py: from masks, to masks, and between box formats."""

import csv
import importlib.util
import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage.measure import label as skimage_label
from skimage.measure import regionprops

from fdep_mm.datasets.sirst_xml import parse_boxes


def read_xml(path):
    return parse_boxes(path.read_bytes(), str(path))


def regions(mask, image=None):
    return regionprops(skimage_label(mask, connectivity=2), image)


@pytest.fixture
def tool(monkeypatch, capsys, repo):
    """Run the tool; returns exit code, stdout and stderr.

    'from masks' and 'to masks' make the option of the one format complete.
    """

    def run(way, source, *arguments):
        spec = importlib.util.spec_from_file_location(
            'convert', repo / 'tools/convert.py'
        )
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        words = list(map(str, arguments))
        if way != 'convert':
            option = '--to' if way == 'from masks' else '--from'
            words[words.index('--format')] = option
            words += [f'--{way.split()[0]}', 'masks']
        monkeypatch.setattr(sys, 'argv', ['convert.py', str(source), *words])
        code = module.main()
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def folder(tmp_path, make_sirst):
    """With an image without target, and one in a subfolder."""
    root = make_sirst(tmp_path / 'my data')
    cv2.imwrite(str(root / 'masks/Misc_1.png'), np.zeros((40, 52), np.uint8))
    odd = np.zeros((40, 52), np.uint8)
    odd[0, 0] = odd[1, 1] = odd[38:40, 50:52] = odd[20, 3:30] = 255
    odd[5:9, 5:9] = 255
    odd[6, 6] = 0
    for kind in ('images', 'masks'):
        (root / kind / 'sub').mkdir()
        path = root / kind / 'Misc_2.png'
        path.rename(root / kind / 'sub/Misc_2.png')
    cv2.imwrite(str(root / 'masks/sub/Misc_2.png'), odd)
    split = root / 'img_idx/train_NUAA-SIRST.txt'
    split.write_text(split.read_text().replace('Misc_2', 'sub/Misc_2'))
    return root


def same_masks(left: Path, right: Path, count: int) -> None:
    names = [path.relative_to(left) for path in left.rglob('*.png')]
    assert len(names) == count
    for name in names:
        one, other = (
            cv2.imread(str(left / name), 0),
            cv2.imread(str(right / name), 0),
        )
        np.testing.assert_array_equal(one, other)


def boxed(root: Path) -> None:
    """Fill each target's box, so that boxes hold the whole mask."""
    for path in (root / 'masks').rglob('*.png'):
        mask = cv2.imread(str(path), 0)
        for region in regions(mask > 0):
            top, left, bottom, right = region.bbox
            mask[top:bottom, left:right] = 255
        cv2.imwrite(str(path), mask)


def test_coco_and_back_is_exact(tool, folder, tmp_path):
    code, printed, errors = tool(
        *('from masks', folder, '--format', 'coco'),
        *('--out', tmp_path / 'my coco'),
    )
    assert (code, errors) == (0, '') and '6 images' in printed
    content = json.loads((tmp_path / 'my coco/train.json').read_text())
    names = [image['file_name'] for image in content['images']]
    assert names == ['Misc_0.png', 'Misc_1.png', 'sub/Misc_2.png'] + [
        'Misc_3.png'
    ]
    for split in ('train', 'test'):
        out = tmp_path / f'masks {split}'
        code, _, errors = tool(
            *('to masks', tmp_path / f'my coco/{split}.json'),
            *('--format', 'coco', '--out', out),
        )
        assert (code, errors) == (0, '')
        same_masks(out, folder / 'masks', 4 if split == 'train' else 2)


@pytest.mark.parametrize('kind', ['voc', 'sirst-v2', 'yolo'])
def test_boxes_and_back(tool, folder, tmp_path, kind):
    boxed(folder)
    out, back = tmp_path / 'labels', tmp_path / 'back'
    assert tool('from masks', folder, '--format', kind, '--out', out)[0] == 0
    images = ('--images', folder / 'images')
    code, printed, _ = tool(
        *('to masks', out, '--format', kind, *images, '--out', back)
    )
    assert code == 0 and '6 images' in printed
    same_masks(back, folder / 'masks', 6)


def test_names_of_classes_are_no_labels(tool, folder, tmp_path):
    args = ('--format', 'yolo', '--out')
    assert tool('from masks', folder, *args, tmp_path / 'yolo')[0] == 0
    (tmp_path / 'yolo/classes.txt').write_text('target\n')
    images = ('--images', folder / 'images')
    args = (tmp_path / 'yolo', *args, tmp_path / 'masks', *images)
    assert tool('to masks', *args)[0] == 0


def test_label_files_are_found_as_images_are(tool, folder, tmp_path):
    """Letters in two forms, upper case suffixes, files of a Mac."""
    name = 'Misc_\u00e4'
    for kind in ('images', 'masks'):
        path = folder / kind / 'Misc_3.png'
        path.rename(folder / kind / f'{name}.png')
    split = folder / 'img_idx/train_NUAA-SIRST.txt'
    split.write_text(split.read_text().replace('Misc_3', name))
    boxed(folder)
    out, back = tmp_path / 'yolo', tmp_path / 'back'
    tool('from masks', folder, '--format', 'yolo', '--out', out)
    (out / f'{name}.txt').rename(out / 'Misc_a\u0308.txt')
    (out / 'Misc_0.txt').rename(out / 'Misc_0.TXT')
    (out / '._Misc_0.txt').write_bytes(b'\0\5')
    words = ('--format', 'yolo', '--images', folder / 'images', '--background')
    result = tool('to masks', out, *words, '--out', back)
    assert result == (0, f'6 images: {back}\n', '')
    same_masks(back, folder / 'masks', 6)


def test_images_that_a_table_of_points_lacks(tool, folder, tmp_path):
    table, images = tmp_path / 'a.csv', ('--images', folder / 'images')
    table.write_text('image,x,y\nMisc_0,3,4\n')
    words = ('to masks', table, '--format', 'points', *images, '--out')
    code, printed, errors = tool(*words, tmp_path / 'some')
    assert code == 0 and '1 images' in printed
    assert 'warning: 5 images have no label' in errors
    tool(*words, tmp_path / 'all', '--background')
    assert len(list((tmp_path / 'all').rglob('*.png'))) == 6


def test_points_and_back(tool, folder, tmp_path):
    out, back = tmp_path / 'points', tmp_path / 'back'
    direct = tmp_path / 'direct'
    options = ('--format', 'points', '--weighted', '--out', out)
    assert tool('from masks', folder, *options)[0] == 0
    with (out / 'train.csv').open() as file:
        rows = [row for row in csv.DictReader(file) if row['x']]
    mask = cv2.imread(str(folder / 'masks/Misc_0.png'), 0)
    image = cv2.imread(str(folder / 'images/Misc_0.png'), 0)
    (region,) = regions(mask > 0, image)
    assert (float(rows[0]['y']), float(rows[0]['x'])) == pytest.approx(
        region.centroid_weighted
    )
    code, _, _ = tool(
        *('to masks', out / 'train.csv', '--format', 'points'),
        *('--images', folder / 'images', '--out', back),
    )
    assert code == 0
    options = ('--format', 'point-masks', '--weighted', '--out', direct)
    assert tool('from masks', folder, *options)[0] == 0
    same_masks(back, direct, 4)
    drawn = cv2.imread(str(direct / 'sub/Misc_2.png'), 0)
    assert (
        np.count_nonzero(drawn)
        == len(
            regions(cv2.imread(str(folder / 'masks/sub/Misc_2.png'), 0) > 0)
        )
        == 4
    )


def test_unreadable_files_do_not_stop_the_conversion(tool, folder, tmp_path):
    (folder / 'masks/Misc_0.png').write_bytes(b'no picture')
    (folder / 'masks/Misc_3.png').unlink()
    out = tmp_path / 'out'
    code, printed, errors = tool(
        'from masks', folder, '--format', 'yolo', '--out', out
    )
    assert code == 1 and '4 images' in printed
    assert 'Misc_0.png' in errors and 'mask-missing' in errors
    assert len(list(out.rglob('*.txt'))) == 4
    (out / 'Misc_5.txt').write_text('0 1 2\n')
    (folder / 'images/Misc_4.png').write_bytes(b'')
    code, printed, errors = tool(
        *('to masks', out, '--format', 'yolo', '--out', tmp_path / 'back'),
        *('--images', folder / 'images'),
    )
    assert code == 1 and '2 images' in printed
    assert 'Misc_4.png' in errors and 'Misc_5.txt, line 1' in errors


def test_masks_of_another_size_are_left_out(tool, folder, tmp_path):
    cv2.imwrite(str(folder / 'masks/Misc_3.png'), np.zeros((9, 52), np.uint8))
    out = tmp_path / 'out'
    code, printed, errors = tool(
        'from masks', folder, '--format', 'yolo', '--out', out
    )
    assert code == 1 and '5 images' in printed
    assert 'Misc_3.png: is 52x9 px, its image 52x40' in errors
    assert len(list(out.rglob('*.txt'))) == 5


def test_labels_that_cannot_be_drawn_are_named(tool, folder, tmp_path):
    images = ('--images', folder / 'images')
    table = tmp_path / 'a.csv'
    table.write_text(
        'image,x,y\nMisc_0,5000,-900\nMisc_1,3,4\nMisc_1,3.2,4.3\nMisc_3,3,4\n'
    )
    code, printed, errors = tool(
        *('to masks', table, '--format', 'points', *images),
        *('--out', tmp_path / 'p'),
    )
    assert code == 1 and '1 images' in printed
    assert 'Misc_0: point' in errors and 'Misc_1: points' in errors
    image = dict(id=1, file_name='a.png', height=32, width=32)
    boxes = [[3, 3, 5, 5], [90, 90, 4, 4]]
    annotations = [dict(image_id=1, bbox=box) for box in boxes]
    path = tmp_path / 'a.json'
    path.write_text(json.dumps(dict(images=[image], annotations=annotations)))
    code, _, errors = tool(
        'to masks', path, '--format', 'coco', '--out', tmp_path / 'c'
    )
    assert code == 1 and 'a: box (x1, y1, x2, y2) = (90' in errors


def test_names_that_stand_twice_and_empty_segmentations(tool, tmp_path):
    names = ('a.png', 'a.bmp', 'b.png')
    images = [
        dict(id=i, file_name=name, height=8, width=8)
        for i, name in enumerate(names)
    ]
    empty = dict(size=[8, 8], counts=[64])
    annotations = [dict(image_id=2, bbox=[1, 1, 3, 3], segmentation=empty)]
    path = tmp_path / 'a.json'
    path.write_text(json.dumps(dict(images=images, annotations=annotations)))
    code, printed, errors = tool(
        'to masks', path, '--format', 'coco', '--out', tmp_path / 'c'
    )
    assert code == 1 and '1 images' in printed
    assert 'a: a second image of this name' in errors
    assert 'b: a segmentation holds no pixel' in errors


def test_images_without_label_file(tool, folder, tmp_path):
    images = ('--images', folder / 'images')
    for kind in ('yolo', 'voc'):
        out, back = tmp_path / kind, tmp_path / f'{kind} back'
        tool('from masks', folder, '--format', kind, '--out', out)
        for name in ('Misc_1', 'sub/Misc_2'):
            (out / name).with_suffix('.txt').unlink(missing_ok=True)
            (out / name).with_suffix('.xml').unlink(missing_ok=True)
        words = ('to masks', out, '--format', kind, *images)
        code, printed, errors = tool(*words, '--out', back)
        assert code == 0 and '4 images' in printed
        assert 'warning: 2 images have no label file' in errors
        assert '(Misc_1, sub/Misc_2); with --background' in errors
        back = tmp_path / f'{kind} all'
        result = tool(*words, '--background', '--out', back)
        assert result[0] == 0 and '6 images' in result[1] and not result[2]
        assert not cv2.imread(str(back / 'sub/Misc_2.png'), 0).any()


def test_targets_with_one_center_are_named(tool, folder, tmp_path):
    mask = np.zeros((40, 52), np.uint8)
    cv2.circle(mask, (20, 20), 8, 255)
    mask[20, 20] = 255
    cv2.imwrite(str(folder / 'masks/Misc_1.png'), mask)
    out = tmp_path / 'out'
    code, _, errors = tool(
        'from masks', folder, '--format', 'point-masks', '--out', out
    )
    assert code == 1 and len(list(out.rglob('*.png'))) == 5
    assert 'Misc_1: points' in errors and 'in one pixel' in errors


def test_converter_usage_errors(tool, folder, tmp_path):
    out = tmp_path / 'out'
    for words, message in (
        (('from masks', tmp_path / 'none'), 'no such folder'),
        (('from masks', folder, '--images', 'images'), '--masks'),
        (('from masks', folder, '--masks', 'img_idx'), 'no image has a mask'),
        (('to masks', tmp_path / 'none.json'), 'none.json'),
    ):
        result = tool(*words, '--format', 'coco', '--out', out)
        assert result[0] == 2 and result[2].startswith('error: ')
        assert message in result[2] and result[2].count('\n') == 1
    assert not out.exists()
    for words, message in (
        (('to masks', folder / 'img_idx', '--format', 'voc'), '--images'),
        (
            ('to masks', folder / 'masks', '--format', 'voc')
            + ('--images', folder / 'images'),
            'holds no *.xml',
        ),
        (
            ('to masks', tmp_path / 'none', '--format', 'yolo')
            + ('--images', folder / 'images'),
            'none: no such folder',
        ),
        (('to masks', folder, '--format', 'coco', '--radius', -1), '-1'),
    ):
        result = tool(*words, '--out', out)
        assert result[0] == 2 and message in result[2]
    for name in ('from masks', 'to masks'):
        full = ('--format', 'coco', '--out', folder)
        assert 'is not empty' in tool(name, folder, *full)[2]


@pytest.mark.parametrize('kind', ['coco', 'voc', 'yolo'])
def test_between_box_formats(tool, folder, tmp_path, kind):
    images = ('--images', folder / 'images')
    xml, other, back = (tmp_path / name for name in ('xml', 'other', 'back'))
    tool('from masks', folder, '--format', 'sirst-v2', '--out', xml)
    code, printed, errors = tool(
        *('convert', xml, '--from', 'sirst-v2', '--to', kind, *images),
        *('--out', other),
    )
    assert (code, errors) == (0, '') and '6 images' in printed
    source = other / 'xml.json' if kind == 'coco' else other
    code, _, _ = tool(
        *('convert', source, '--from', kind, '--to', 'sirst-v2', *images),
        *('--out', back),
    )
    assert code == 0
    for path in xml.rglob('*.xml'):
        own = read_xml(back / path.relative_to(xml))
        np.testing.assert_allclose(own, read_xml(path), atol=1e-5)


@pytest.mark.parametrize(
    ('change', 'reason'),
    [
        (dict(file_name='../a.png'), 'out of the image folder'),
        (dict(file_name='C:\\a.png'), 'out of the image folder'),
        (dict(id=7), 'not a COCO file'),
    ],
)
def test_bad_coco(tool, tmp_path, change, reason):
    image = dict(id=1, file_name='a.png', height=20, width=20) | change
    annotations = [dict(image_id=1, bbox=[2, 2, 4, 4])]
    path = tmp_path / 'x.json'
    path.write_text(json.dumps(dict(images=[image], annotations=annotations)))
    words = ('--from', 'coco', '--to', 'sirst-v2', '--out', tmp_path / 'out')
    code, _, errors = tool('convert', path, *words)
    assert code == 2 and errors.startswith('error: ') and reason in errors
    assert not (tmp_path / 'out').exists()


def test_boxes_outside_of_the_image_are_left_out(tool, tmp_path):
    images = [
        dict(id=i, file_name=f'{i}.png', height=20, width=width)
        for i, width in ((1, 20), (2, 5))
    ]
    annotations = [dict(image_id=i, bbox=[2, 2, 4, 4]) for i in (1, 2)]
    path = tmp_path / 'x.json'
    path.write_text(json.dumps(dict(images=images, annotations=annotations)))
    for kind in ('sirst-v2', 'yolo'):
        out = tmp_path / kind
        words = ('--from', 'coco', '--to', kind, '--out', out)
        code, printed, errors = tool('convert', path, *words)
        assert code == 1 and '1 images' in printed
        assert 'left out: 2: 2.png' in errors and 'not in it' in errors
        assert len(list(out.iterdir())) == 1


def test_points_do_not_become_boxes(tool, tmp_path):
    for kinds in (('points', 'coco'), ('coco', 'points')):
        words = ('--from', kinds[0], '--to', kinds[1], '--out', tmp_path / 'o')
        code, _, errors = tool('convert', tmp_path / 'x', *words)
        assert code == 2 and 'convert to masks first' in errors


def test_boxes_of_sirst_v2(find_data, tool, tmp_path):
    """What is written from masks equals the published XML files."""
    root = find_data('sirst-v2')
    ids = (root / 'splits/test_v1.txt').read_text().split()[:20]
    (tmp_path / 'some.txt').write_text('\n'.join(ids))
    code, _, _ = tool(
        *('from masks', root, '--split', f'some={tmp_path / "some.txt"}'),
        *('--format', 'sirst-v2', '--out', tmp_path / 'xml'),
    )
    assert code == 0
    for image_id in ids:
        own = read_xml(tmp_path / f'xml/{image_id}.xml')
        published = read_xml(root / f'annotations/bboxes/{image_id}.xml')
        assert sorted(own.tolist()) == sorted(published.tolist())
