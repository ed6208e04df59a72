import pickle
import warnings

import cv2
import numpy as np
import pytest
from mmengine.registry import DATASETS

from fdep_mm.datasets import SIRSTDetDataset, SyntheticSIRSTDetDataset
from fdep_mm.datasets.sirst_xml import format_boxes, parse_boxes

SPLIT = 'splits/all.txt'
# ids, size (height, width), boxes: 0-based, half-open
IMAGES = {
    'Misc_1': ((40, 52), [(3, 4, 8, 9), (48, 36, 52, 40)]),
    'back-2': ((30, 70), []),
    'seq/3': ((33, 31), [(0, 0, 1, 1)]),
}
BOX = (
    '<annotation><object><bndbox><xmin>{}</xmin><ymin>{}</ymin>'
    '<xmax>{}</xmax><ymax>{}</ymax></bndbox></object></annotation>'
)


@pytest.fixture
def tree(tmp_path):
    """A miniature of SIRST-V2's tree."""
    root = tmp_path / 'sirst v2'
    for image_id, (shape, boxes) in IMAGES.items():
        image = root / f'mixed/{image_id}.png'
        mask = root / f'annotations/masks/{image_id}_pixels0.png'
        xml = root / f'annotations/bboxes/{image_id}.xml'
        for path in (image, mask, xml):
            path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(image), np.full(shape, 90, np.uint8))
        pixels = np.zeros(shape, np.uint8)
        for x1, y1, x2, y2 in boxes:
            pixels[y1:y2, x1:x2] = 255
        cv2.imwrite(str(mask), pixels)
        xml.write_text(format_boxes(image_id, shape, np.array(boxes)))
    (root / 'splits').mkdir()
    (root / SPLIT).write_text('\n'.join(IMAGES))
    return root


def build(tree, **arguments):
    return SIRSTDetDataset(SPLIT, data_root=str(tree), **arguments)


MASKS = dict(
    box_source='mask',
    data_prefix=dict(img_path='mixed', seg_map_path='annotations/masks'),
    seg_map_suffix='_pixels0.png',
)


@pytest.mark.parametrize('source', [{}, MASKS], ids=['xml', 'mask'])
def test_images_and_boxes(tree, source):
    dataset = DATASETS.build(
        dict(
            type='fdep_mm.SIRSTDetDataset',
            ann_file=SPLIT,
            data_root=str(tree),
            **source,
        )
    )
    assert dataset.metainfo['classes'] == ('target',)
    assert len(dataset) == 3
    for i, (image_id, (shape, boxes)) in enumerate(IMAGES.items()):
        info = dataset.get_data_info(i)
        assert info['img_id'] == image_id
        assert (info['height'], info['width']) == shape
        assert [tuple(t['bbox']) for t in info['instances']] == boxes
        for target in info['instances']:
            assert target['bbox_label'] == target['ignore_flag'] == 0
        assert dataset.get_cat_ids(i) == [0] * len(boxes)
    assert len(build(tree, indices=2, **source)) == 2


def test_format_and_parse_are_inverse():
    boxes = np.array([[3.25, 4, 8, 9], [0, 0, 1, 1]])
    text = format_boxes('a&b', (20, 30), boxes)
    np.testing.assert_array_equal(parse_boxes(text.encode(), ''), boxes)
    assert '<xmin>4.25</xmin>' in text and '<height>20</height>' in text


def test_missing_xml(tree):
    (tree / 'annotations/bboxes/back-2.xml').unlink()
    with pytest.raises(FileNotFoundError, match='no box file in') as error:
        build(tree)
    assert 'back-2' in str(error.value) and 'ann_path' in str(error.value)
    assert 'suffix' not in str(error.value)
    assert len(build(tree, **MASKS)) == 3


@pytest.mark.parametrize(
    ('content', 'reason'),
    [
        ('', 'not a readable box file'),
        ('<annotation><object>', 'not a readable box file'),
        ('a\x00b', 'not a readable box file'),
        (BOX.format('one', 1, 2, 2), '<xmin> of a <bndbox>.*one'),
        (BOX.format('', 1, 2, 2), '<xmin>'),
        (BOX.replace('ymax', 'top').format(1, 1, 2, 2), '<ymax>.*None'),
        (BOX.format(1, 1, 'nan', 2), 'finite number, got .nan'),
        (BOX.format(5, 5, 5, 9), 'empty or inverted'),
        (BOX.format(9, 5, 5, 9), 'empty or inverted'),
        (BOX.format(50, 5, 54, 9), '52x40.*not in it'),
        (BOX.format(0, 5, 4, 9), 'not in it'),
        ('<?xml version="1.0" encoding="foo"?><annotation/>', 'encoding'),
        ('<html/>', 'its root is <html>'),
        (BOX.replace('annotation', 'a:annotation', 1), 'not a readable'),
        (BOX.replace('n>', 'n xmlns="http://x">', 1), 'its root is <{http'),
        (f'<annotations>{BOX}</annotations>', 'its root is <annotations>'),
        (f'<annotation>{BOX}</annotation>', '<bndbox> elsewhere'),
        (BOX.replace('bndbox', 'bbox'), '<bbox> elsewhere'),
        (BOX.replace('bndbox', 'BndBox'), '<BndBox> elsewhere'),
        (BOX.replace('bndbox', 'polygon'), '<polygon> elsewhere'),
        (BOX.replace('object', 'target'), '<bndbox> elsewhere'),
    ],
)
def test_bad_xml(tree, content, reason):
    path = tree / 'annotations/bboxes/Misc_1.xml'
    path.write_text(content)
    with pytest.raises(ValueError, match=rf'(?s)Misc_1\.xml.*{reason}'):
        build(tree)


def test_size_comes_from_the_image(tree):
    """As in SIRST-V2, where backgrounds were scaled down after annotation."""
    path = tree / 'annotations/bboxes/back-2.xml'
    path.write_text(format_boxes('back-2', (3000, 7000), np.zeros((0, 4))))
    info = build(tree).get_data_info(1)
    assert (info['height'], info['width']) == (30, 70)


def test_target_free_images_stay_unless_filtered(tree):
    assert len(build(tree, filter_cfg=dict(filter_empty_gt=False))) == 3
    drop = dict(filter_empty_gt=True)
    with pytest.warns(UserWarning, match='drops 1 of 3 images'):
        dataset = build(tree, filter_cfg=drop)
    assert [dataset.get_data_info(i)['img_id'] for i in range(2)] == [
        'Misc_1',
        'seq/3',
    ]
    # never from what is measured
    assert len(build(tree, filter_cfg=drop, test_mode=True)) == 3


def test_a_split_without_any_box(tree):
    (tree / SPLIT).write_text('back-2')
    for source in ({}, MASKS):
        with pytest.warns(UserWarning, match='none of the 1 images .*box_s'):
            build(tree, **source)
    (tree / SPLIT).write_text('back-2\nMisc_1')
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        build(tree)


def test_bad_arguments(tree):
    with pytest.raises(ValueError, match="box_source='json'"):
        build(tree, box_source='json')
    with pytest.raises(ValueError, match='filter_empty_gt'):
        build(tree, filter_cfg=dict(min_size=32))
    with pytest.raises(ValueError, match='seg_map_path'):
        build(tree, box_source='mask')


def test_unreadable_image_and_wrong_mask(tree):
    mask = tree / 'annotations/masks/Misc_1_pixels0.png'
    cv2.imwrite(str(mask), np.zeros((40, 50), np.uint8))
    with pytest.raises(ValueError, match='is 50x40 px, its image'):
        build(tree, **MASKS)
    (tree / 'mixed/Misc_1.png').write_bytes(b'no image')
    with pytest.raises(ValueError, match='Misc_1.png: not a readable'):
        build(tree)


def test_image_that_pillow_takes_for_a_bomb(tree, monkeypatch):
    monkeypatch.setattr('PIL.Image.MAX_IMAGE_PIXELS', 1000)
    with pytest.raises(ValueError, match=r'Misc_1\.png: .*2080 pixels'):
        build(tree)


def test_nuaa_layout(tmp_path, make_sirst):
    folder = make_sirst(tmp_path)
    dataset = SIRSTDetDataset(
        'img_idx/test_NUAA-SIRST.txt',
        box_source='mask',
        data_root=str(folder),
        data_prefix=dict(img_path='images', seg_map_path='masks'),
    )
    boxes = [dataset.get_data_info(i)['instances'] for i in range(2)]
    assert [b[0]['bbox'] for b in boxes] == [
        [20, 14, 23, 17],
        [20, 15, 23, 18],
    ]


def test_synthetic_boxes_are_those_of_the_masks():
    dataset = SyntheticSIRSTDetDataset(12, img_size=(64, 72), split='val')
    number = []
    for i in range(12):
        info = dataset.get_data_info(i)
        image, mask = dataset.make_scene(i)
        boxes = np.zeros_like(mask)
        for target in info['instances']:
            x1, y1, x2, y2 = map(int, target['bbox'])
            boxes[y1:y2, x1:x2] = 1
        assert not (mask & ~boxes).any() and 'gt_seg_map' not in info
        assert (info['height'], info['width']) == (64, 72)
        np.testing.assert_array_equal(info['ori_img'], image)
        assert info['ori_img'].dtype == np.uint8
        number.append(len(info['instances']))
        assert dataset.get_cat_ids(i) == [0] * number[-1]
    assert min(number) == 0 < max(number)
    with pytest.raises(ValueError, match='filter_empty_gt.*num_targets'):
        SyntheticSIRSTDetDataset(2, filter_cfg=dict(filter_empty_gt=True))
    # what it asks for is so anyway
    SyntheticSIRSTDetDataset(2, filter_cfg=dict(filter_empty_gt=False))
    # picklable, as data loaders need it, and small as meta information
    assert len(pickle.dumps(dataset)) < 10_000


@pytest.mark.parametrize(
    ('split', 'images', 'empty', 'targets'),
    [
        ('trainval_full', 768, 379, 498),
        ('test_full', 256, 131, 150),
        ('val_full', 256, 124, 180),
        ('test_v1', 86, 0, None),
    ],
)
def test_real_counts(find_data, split, images, empty, targets):
    dataset = SIRSTDetDataset(
        f'splits/{split}.txt', data_root=str(find_data('sirst-v2'))
    )
    found = [
        len(dataset.get_data_info(i)['instances']) for i in range(len(dataset))
    ]
    assert len(found) == images and found.count(0) == empty
    assert targets is None or sum(found) == targets


def test_real_xml_and_mask_boxes_differ_in_one_image(find_data, tmp_path):
    folder = find_data('sirst-v2')
    xml, mask = (
        SIRSTDetDataset(
            'splits/trainvaltest_full.txt', data_root=str(folder), **source
        )
        for source in ({}, MASKS)
    )
    different = []
    for i in range(len(xml)):
        one, two = xml.get_data_info(i), mask.get_data_info(i)
        boxes = [sorted(t['bbox'] for t in j['instances']) for j in (one, two)]
        if boxes[0] != boxes[1]:
            different.append((one['img_id'], *boxes))
    assert len(xml) == 1024
    assert different == [
        ('Misc_111', [[260, 206, 274, 217]], [[143, 114, 151, 120]])
    ]
