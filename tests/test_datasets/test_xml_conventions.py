"""Box files of Pascal VOC and of SIRST-V2, against the masks."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from fdep_mm.datasets import SIRSTDetDataset
from fdep_mm.datasets.check import check_dataset
from fdep_mm.datasets.converters.labels import mask_labels
from fdep_mm.datasets.converters.reading import list_labels
from fdep_mm.datasets.layouts import find_layout
from fdep_mm.datasets.sirst_xml import format_boxes, parse_boxes

MASKS = dict(img_path='images', seg_map_path='masks')
BOXES = dict(img_path='images', ann_path='bboxes')


@pytest.mark.parametrize('convention', ['voc', 'sirst-v2'])
def test_boxes_are_those_of_random_masks(tmp_path, convention):
    """What is written, the data set reads as the masks have it."""
    rng = np.random.default_rng(0)
    for kind in ('images', 'masks', 'bboxes'):
        (tmp_path / kind).mkdir()
    for name in 'abcdef':
        mask = (rng.random((30, 41)) < 0.01).astype(np.uint8)
        mask[10:13, 10:13] = 1
        cv2.imwrite(str(tmp_path / f'masks/{name}.png'), mask * 255)
        image = rng.integers(0, 255, (30, 41), np.uint8)
        cv2.imwrite(str(tmp_path / f'images/{name}.png'), image)
        boxes = mask_labels(mask, name, f'{name}.png').boxes
        text = format_boxes(name, mask.shape, boxes, convention)
        (tmp_path / f'bboxes/{name}.xml').write_text(text)
    by_xml = SIRSTDetDataset(
        data_root=str(tmp_path), data_prefix=BOXES, xml_convention=convention
    )
    by_mask = SIRSTDetDataset(
        data_root=str(tmp_path), data_prefix=MASKS, box_source='mask'
    )
    for index in range(6):
        found, expected = (
            [i['bbox'] for i in one.get_data_info(index)['instances']]
            for one in (by_xml, by_mask)
        )
        assert found == expected
    layout = replace(find_layout(tmp_path), xml_convention='voc')
    wrong = check_dataset([layout]).findings.items('box-convention')
    other = [] if convention == 'voc' else ['the masks show sirst-v2']
    assert [i.detail.split(', ')[1] for i in wrong] == other


def test_targets_of_one_pixel_in_the_other_convention(tmp_path):
    mask = np.zeros((9, 9), np.uint8)
    mask[2, 3] = mask[5:8, 5:8] = 1
    path = tmp_path / 'a.xml'
    boxes = mask_labels(mask, 'a', 'a.png').boxes
    path.write_text(format_boxes('a', mask.shape, boxes, 'voc'))
    cv2.imwrite(str(tmp_path / 'a.png'), mask)
    with pytest.raises(ValueError, match='a.xml: 1 of 2 .*--from voc'):
        list_labels(tmp_path, 'sirst-v2', tmp_path)[0][0][1]()
    found = list_labels(tmp_path, 'voc', tmp_path)[0][0][1]()
    np.testing.assert_array_equal(found.boxes, boxes)


def test_unknown_xml_convention():
    with pytest.raises(ValueError, match="xml_convention='yolo': give one of"):
        SIRSTDetDataset(xml_convention='yolo')


@pytest.mark.parametrize(
    ('objects', 'convention', 'message'),
    [
        ('<object/>', 'voc', '1 of 1 <object> have no <bndbox>'),
        ('<object/>' * 2, 'sirst-v2', '2 of 2 <object>'),
        ('<object><polygon/></object>', 'sirst-v2', '<polygon> elsewhere'),
    ],
)
def test_objects_without_box(objects, convention, message):
    content = f'<annotation>{objects}</annotation>'.encode()
    with pytest.raises(ValueError, match=f'a.xml: {message}'):
        parse_boxes(content, 'a.xml', convention)
    one = b'<annotation><object><name>Target</name></object></annotation>'
    assert parse_boxes(one, 'a.xml').shape == (0, 4)
