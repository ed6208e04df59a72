"""Masks to boxes and points of other formats, and back."""

import json
import warnings
from functools import partial
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from skimage.measure import label as skimage_label
from skimage.measure import regionprops

from fdep_mm.core import run_lengths
from fdep_mm.datasets.converters.coco import read_coco, to_coco
from fdep_mm.datasets.converters.labels import draw_labels, mask_labels
from fdep_mm.datasets.converters.points import read_points, write_points
from fdep_mm.datasets.converters.regions import mask_centroids
from fdep_mm.datasets.converters.segmentations import read_rle
from fdep_mm.datasets.converters.writing import convert
from fdep_mm.datasets.converters.yolo import format_yolo, read_yolo
from fdep_mm.datasets.sirst_xml import format_boxes, parse_boxes

RNG_SHAPE = (30, 41)


@pytest.fixture
def masks():
    rng = np.random.default_rng(0)
    found = [(rng.random(RNG_SHAPE) < p).astype(np.uint8) for p in (0, 0.05)]
    found.append(np.ones(RNG_SHAPE, np.uint8))
    return found


def regions(mask):
    return regionprops(skimage_label(mask, connectivity=2))


def test_centroids_against_scikit_image(masks):
    for mask in masks:
        expected = [region.centroid[::-1] for region in regions(mask)]
        expected = np.reshape(expected, (-1, 2))
        np.testing.assert_allclose(mask_centroids(mask), expected, atol=1e-9)


def test_run_lengths(masks):
    for mask in masks:
        code = run_lengths.encode(mask, (0, 0), mask.shape)
        np.testing.assert_array_equal(run_lengths.decode(code), mask)
    # Down the columns, starting with zeros.
    code = run_lengths.encode(np.array([[1, 0], [1, 1]]), (0, 0), (2, 2))
    assert code['counts'] == [0, 2, 1, 1]


def test_pycocotools_reads_the_file(masks, tmp_path):
    coco_module = pytest.importorskip('pycocotools.coco')
    labels = [mask_labels(m, str(i), f'{i}.png') for i, m in enumerate(masks)]
    path = tmp_path / 'a.json'
    path.write_text(json.dumps(to_coco(labels)))
    coco = coco_module.COCO(str(path))
    assert coco.getImgIds() == [1, 2, 3]
    for number, mask in enumerate(masks, 1):
        annotations = coco.loadAnns(coco.getAnnIds(imgIds=number))
        assert len(annotations) == len(regions(mask))
        union = np.zeros_like(mask)
        for annotation in annotations:
            own = coco.annToMask(annotation)
            assert own.sum() == annotation['area']
            x, y, w, h = cv2.boundingRect(own)
            assert annotation['bbox'] == [x, y, w, h]
            union |= own
        np.testing.assert_array_equal(union, mask)


def test_yolo_and_voc_round_trip(masks, tmp_path):
    for mask in masks:
        labels = mask_labels(mask, 'a', 'a.png')
        path = tmp_path / 'a'
        path.write_text(format_yolo(labels.boxes, labels.shape))
        boxes = read_yolo(path, labels.shape)
        np.testing.assert_allclose(boxes, labels.boxes, atol=1e-5)
        for convention in ('voc', 'sirst-v2'):
            text = format_boxes('a', labels.shape, labels.boxes, convention)
            boxes = parse_boxes(text.encode(), 'a.xml', convention)
            np.testing.assert_array_equal(boxes, labels.boxes)


def test_voc_numbers_are_those_of_the_convention():
    mask = np.zeros((9, 9), np.uint8)
    mask[2:4, 5:8] = 1
    labels = mask_labels(mask, 'a', 'a.png')
    for convention, expected in (
        ('voc', ['6', '3', '8', '4']),
        ('sirst-v2', ['6', '3', '9', '5']),
    ):
        text = format_boxes('a', labels.shape, labels.boxes, convention)
        root = ElementTree.fromstring(text)
        box = root.find('object/bndbox')
        assert [corner.text for corner in box] == expected
        assert root.findtext('size/width') == '9'
    with pytest.raises(ValueError, match="convention='x'"):
        format_boxes('a', labels.shape, labels.boxes, 'x')


@pytest.mark.parametrize(
    'line', ['0 0.5 0.5 0.1', '0 1.5 0.5 0.1 0.1', 'a b c d e', '0 nan 0 0 0']
)
def test_yolo_lines(tmp_path, line):
    path = tmp_path / 'a.txt'
    path.write_text(f'\n0 0.5 0.5 0.1 0.1\n{line}\n')
    with pytest.raises(ValueError, match='a.txt, line 3'):
        read_yolo(path, (10, 10))


def coco_with(image=None, annotation=None):
    coco = to_coco([mask_labels(np.ones((2, 3), np.uint8), 'a', 'a.png')])
    coco['images'][0].update(image or {})
    coco['annotations'][0].update(annotation or {})
    return coco


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ([], 'not a COCO file'),
        ({}, 'images'),
        ({'images': [{}], 'annotations': []}, 'id'),
        (coco_with(dict(file_name='../../a.png')), 'leads out'),
        (coco_with(dict(width=4)), 'has size'),
        (coco_with(dict(width=-3)), 'a.png has height 2 and width -3'),
        (coco_with(dict(width=10**9)), 'a.png has height 2 and width 1000'),
        (coco_with(None, dict(image_id=7)), '7'),
        (coco_with(None, dict(bbox=[1, 2])), 'not a COCO file'),
        (coco_with(None, dict(bbox=[0, 0, np.nan, 1])), 'a.png .* not finite'),
        (
            coco_with(
                None, dict(segmentation=dict(size=[2, 3], counts=[1, 2]))
            ),
            'add up to 3',
        ),
        (
            coco_with(None, dict(segmentation=dict(size=[2, 3], counts='a'))),
            'add up to',
        ),
        (coco_with(None, dict(segmentation=[[1, 2, 3, 4]])), 'a.png.*polygon'),
        (coco_with(None, dict(segmentation=[[1] * 7])), 'polygon must be'),
        (coco_with(None, dict(segmentation=[[1, 'x'] * 3])), 'polygon must'),
        (coco_with(None, dict(segmentation=[1, 2, 3])), 'polygon must be'),
    ],
)
def test_wrong_coco_files(tmp_path, content, message):
    path = tmp_path / 'a.json'
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=f'a.json: .*{message}'):
        read_coco(path)


def test_table_of_points(tmp_path):
    path = tmp_path / 'a.csv'
    points = {
        'a, b': np.array([[1.25, 2], [1 / 3, 0]]),
        'sub/c': np.zeros((0, 2)),
    }
    write_points(path, points)
    found = read_points(path)
    assert list(found) == list(points)
    for name, rows in points.items():
        np.testing.assert_array_equal(found[name], rows)
    for text, message in (
        ('image,x\na,1\n', 'needs the columns'),
        ('image,x,y\na,1,b\n', "line 2.*'b'"),
        ('image,x,y\na,1\n', 'line 2'),
        ('image,x,y\na,inf,2\n', 'line 2'),
        ('image,x,y\n../a,1,2\n', 'leads out'),
        ('', 'needs the columns'),
    ):
        path.write_text(text)
        with pytest.raises(ValueError, match=f'a.csv: .*{message}'):
            read_points(path)


@pytest.mark.parametrize(
    'text',
    [
        'image;x;y\na\u0308.png;3,5;4\nb;;\n',
        'image, x, y\n\u00e4.PNG, 3.5, 4\nb, , \n',
        'image x y\n\u00e4.png 3.5 4\nb\n',
        'image\tx\ty\n\u00e4\t3,5\t4\nb\t\t\n',
    ],
)
def test_tables_of_spreadsheets(tmp_path, text):
    path = tmp_path / 'a.csv'
    path.write_text(text)
    found = read_points(path)
    assert {name: rows.tolist() for name, rows in found.items()} == {
        'ä': [[3.5, 4]],
        'b': [],
    }


def test_yolo_with_a_byte_order_mark(tmp_path):
    path = tmp_path / 'a.txt'
    path.write_text('0 0.5 0.5 0.2 0.1\n', encoding='utf-8-sig')
    assert read_yolo(path, (40, 50)).tolist() == [[20, 18, 30, 22]]


def test_compressed_run_lengths(masks):
    pycocotools = pytest.importorskip('pycocotools.mask')
    for mask in (*masks, np.tri(200, 300, dtype=np.uint8)):
        rle = pycocotools.encode(np.asfortranarray(mask))
        rle['counts'] = rle['counts'].decode()
        found = run_lengths.decode(read_rle(rle, mask.shape))
        np.testing.assert_array_equal(found, mask)
    with pytest.raises(ValueError, match='add up'):
        read_rle(rle | dict(counts=rle['counts'][:-2]), mask.shape)


def coco_file(path, *annotations):
    item = dict(id=1, file_name='a.png', height=40, width=50)
    categories = [dict(id=1, name='target'), dict(id=2, name='bird')]
    content = dict(images=[item], annotations=[], categories=categories)
    for number, annotation in enumerate(annotations, 1):
        content['annotations'].append(
            {'category_id': 1, **annotation, 'id': number, 'image_id': 1}
        )
    path.write_text(json.dumps(content))
    return path


def test_crowds_are_named_and_left_out(tmp_path):
    one = dict(bbox=[3, 4, 3, 3])
    path = coco_file(tmp_path / 'a.json', one, dict(one, iscrowd=1))
    with pytest.warns(UserWarning, match=r'1 annotations.*crowds.*a\.png'):
        (labels,) = read_coco(path)
    assert labels.boxes.tolist() == [[3, 4, 6, 7]]


def test_several_categories_are_named(tmp_path):
    one = dict(bbox=[3, 4, 3, 3])
    path = coco_file(tmp_path / 'a.json', one, one, dict(one, category_id=2))
    with pytest.warns(UserWarning, match=r'target \(2\), bird \(1\); remove'):
        (labels,) = read_coco(path)
    assert len(labels.boxes) == 3


def test_inverted_masks_are_told(tmp_path):
    mask = np.ones((40, 50), np.uint8)
    mask[3:5, 7:9] = 0
    sources = [
        (name, partial(mask_labels, one, name, f'{name}.png'))
        for name, one in (('inverted', mask), ('good', 1 - mask))
    ]
    with pytest.warns(UserWarning, match="1 images .* over 5% .* 'inverted'$"):
        convert(sources, 'voc', tmp_path, {})


def test_polygons_through_the_centers_of_pixels(tmp_path):
    mask = np.zeros((40, 50), np.uint8)
    mask[10:13, 20:23] = mask[30:35, 5:9] = 1
    edges, centers = [], []
    for x1, y1, x2, y2 in mask_labels(mask, 'a', 'a.png').boxes.tolist():
        box = [x1, y1, x2 - x1, y2 - y1]
        stated = dict(bbox=box, area=box[2] * box[3])
        ring = [x1, y1, x2, y1, x2, y2, x1, y2]
        edges.append(dict(stated, segmentation=[ring]))
        ring = [x1, y1, x2 - 1, y1, x2 - 1, y2 - 1, x1, y2 - 1]
        centers.append(dict(stated, segmentation=[ring]))
    path = coco_file(tmp_path / 'a.json', *edges)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        found = draw_labels(*read_coco(path))
    np.testing.assert_array_equal(found, mask)
    path = coco_file(tmp_path / 'a.json', *centers)
    with pytest.warns(UserWarning, match='2 polygons.*--polygon contour'):
        (labels,) = read_coco(path)
    found = draw_labels(labels, contour=True)
    np.testing.assert_array_equal(found, mask)
