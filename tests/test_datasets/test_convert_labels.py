"""tools/convert.py: between label files, and what it refuses."""

import json

import numpy as np
import pytest
from convert_runs import convert

from fdep_mm.datasets.sirst_xml import parse_boxes


def write_coco(path, images, annotations):
    content = dict(images=images, annotations=annotations)
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize('kind', ['coco', 'voc', 'yolo'])
def test_between_box_formats(mixed_folder, tmp_path, kind):
    images = '--images', mixed_folder / 'images'
    xml, other, back = (tmp_path / name for name in ('xml', 'other', 'back'))
    convert(mixed_folder, 'masks', 'sirst-v2', xml)
    code, printed, errors = convert(xml, 'sirst-v2', kind, other, *images)
    assert (code, errors) == (0, '') and '6 images' in printed
    if kind == 'coco':  # which has the sizes of the images
        other, images = other / 'xml.json', ()
    assert convert(other, kind, 'sirst-v2', back, *images).code == 0
    for path in xml.rglob('*.xml'):
        own, first = (
            parse_boxes(p.read_bytes(), str(p))
            for p in (back / path.relative_to(xml), path)
        )
        np.testing.assert_allclose(own, first, atol=1e-5)


def test_targets_that_touch_are_told(mixed_folder, tmp_path):
    table = tmp_path / 'a.csv'
    points = 'Misc_0,5,5\nMisc_0,6,6\nMisc_0,9,9\nMisc_1,3,4\nMisc_3,3,4\n'
    table.write_text(f'image,x,y\n{points}')
    words = '--background', '--images', mixed_folder / 'images'
    done = convert(table, 'points', 'masks', tmp_path / 'one', *words)
    assert done.code == 0
    assert '1 masks do not show' in done.err
    assert 'Misc_0 (2 of 3)' in done.err and 'Misc_1' not in done.err
    table.write_text(f'image,x,y\n{points}'.replace('6,6', '7,7'))
    done = convert(table, 'points', 'masks', tmp_path / 'two', *words)
    assert (done.code, done.err) == (0, '')


def test_labels_that_cannot_be_drawn_are_named(mixed_folder, tmp_path):
    table = tmp_path / 'a.csv'
    table.write_text(
        'image,x,y\nMisc_0,5000,-900\nMisc_1,3,4\nMisc_1,3.2,4.3\nMisc_3,3,4\n'
    )
    images = '--images', mixed_folder / 'images'
    code, printed, errors = convert(
        table, 'points', 'masks', tmp_path / 'p', *images
    )
    assert code == 1 and '1 images' in printed
    assert 'Misc_0: point' in errors and 'Misc_1: points' in errors
    image = dict(id=1, file_name='a.png', height=32, width=32)
    boxes = [[3, 3, 5, 5], [90, 90, 4, 4]]
    annotations = [dict(image_id=1, bbox=box) for box in boxes]
    path = write_coco(tmp_path / 'a.json', [image], annotations)
    code, _, errors = convert(path, 'coco', 'masks', tmp_path / 'c')
    assert code == 1 and 'a: box (x1, y1, x2, y2) = (90' in errors


def test_names_that_stand_twice_and_empty_segmentations(tmp_path):
    names = ('a.png', 'a.bmp', 'b.png')
    images = [
        dict(id=i, file_name=name, height=8, width=8)
        for i, name in enumerate(names)
    ]
    empty = dict(size=[8, 8], counts=[64])
    annotations = [dict(image_id=2, bbox=[1, 1, 3, 3], segmentation=empty)]
    path = write_coco(tmp_path / 'a.json', images, annotations)
    code, printed, errors = convert(path, 'coco', 'masks', tmp_path / 'c')
    assert code == 1 and '1 images' in printed
    assert 'a: a second image of this name' in errors
    assert 'b: a segmentation holds no pixel' in errors


@pytest.mark.parametrize(
    ('change', 'reason'),
    [
        (dict(file_name='../a.png'), 'out of the image folder'),
        (dict(file_name='C:\\a.png'), 'out of the image folder'),
        (dict(id=7), 'not a COCO file'),
    ],
)
def test_bad_coco(tmp_path, change, reason):
    image = dict(id=1, file_name='a.png', height=20, width=20) | change
    annotations = [dict(image_id=1, bbox=[2, 2, 4, 4])]
    path = write_coco(tmp_path / 'x.json', [image], annotations)
    code, _, errors = convert(path, 'coco', 'sirst-v2', tmp_path / 'out')
    assert code == 2 and errors.startswith('error: ') and reason in errors
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize('kind', ['sirst-v2', 'yolo'])
def test_boxes_outside_of_the_image_are_left_out(tmp_path, kind):
    images = [
        dict(id=i, file_name=f'{i}.png', height=20, width=width)
        for i, width in ((1, 20), (2, 5))
    ]
    annotations = [dict(image_id=i, bbox=[2, 2, 4, 4]) for i in (1, 2)]
    path = write_coco(tmp_path / 'x.json', images, annotations)
    code, printed, errors = convert(path, 'coco', kind, tmp_path / 'out')
    assert code == 1 and '1 images' in printed
    assert 'left out: 2: 2.png' in errors and 'not in it' in errors
    assert len(list((tmp_path / 'out').iterdir())) == 1


def test_usage_errors(mixed_folder, tmp_path):
    out, none = tmp_path / 'out', tmp_path / 'none'
    images = '--images', mixed_folder / 'images'
    for words, message in (
        ((none, 'masks', 'coco', out), 'no such folder'),
        ((mixed_folder, 'masks', 'coco', out, '--images', 'images'), '--mask'),
        (
            (mixed_folder, 'masks', 'coco', out, '--masks', 'img_idx'),
            'no image has a mask',
        ),
        ((tmp_path / 'none.json', 'coco', 'masks', out), 'none.json'),
        ((mixed_folder / 'img_idx', 'voc', 'masks', out), '--images'),
        (
            (mixed_folder / 'masks', 'voc', 'masks', out, *images),
            'holds no *.xml',
        ),
        ((none, 'yolo', 'masks', out, *images), 'none: no such folder'),
        ((mixed_folder, 'coco', 'masks', out, '--radius', -1), '-1'),
        ((none, 'points', 'coco', out), 'convert to masks first'),
        ((none, 'coco', 'points', out), 'convert to masks first'),
        ((none, 'masks', 'coco', mixed_folder), 'is not empty'),
        ((none, 'coco', 'masks', mixed_folder), 'is not empty'),
    ):
        code, _, errors = convert(*words)
        assert code == 2 and errors.startswith('error: ')
        assert message in errors and errors.count('\n') == 1
        assert not out.exists()
