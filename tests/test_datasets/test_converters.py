"""Masks to boxes and points of other formats, and back."""

import json
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from skimage.measure import label as skimage_label
from skimage.measure import regionprops

from fdep_mm.datasets.converters import (
    boxes_to_mask,
    decode_rle,
    draw_labels,
    encode_rle,
    format_voc,
    format_yolo,
    list_labels,
    mask_centroids,
    mask_labels,
    points_to_mask,
    polygons_to_mask,
    read_coco,
    read_points,
    read_voc,
    read_yolo,
    to_coco,
    write_points,
)

RNG_SHAPE = (30, 41)


@pytest.fixture
def masks():
    rng = np.random.default_rng(0)
    found = [(rng.random(RNG_SHAPE) < p).astype(np.uint8) for p in (0, 0.05)]
    found.append(np.ones(RNG_SHAPE, np.uint8))
    return found


def regions(mask, image=None):
    return regionprops(skimage_label(mask, connectivity=2), image)


def test_centroids_against_scikit_image(masks):
    image = np.random.default_rng(1).integers(1, 255, RNG_SHAPE)
    for mask in masks:
        for weights in (None, image):
            found = mask_centroids(mask, weights)
            expected = [
                (r.centroid if weights is None else r.centroid_weighted)[::-1]
                for r in regions(mask, weights)
            ]
            expected = np.reshape(expected, (-1, 2))
            np.testing.assert_allclose(found, expected, atol=1e-9)
    black = mask_centroids(masks[1], np.zeros(RNG_SHAPE))
    np.testing.assert_allclose(black, mask_centroids(masks[1]))


def test_run_lengths(masks):
    for mask in masks:
        rle = encode_rle(mask)
        np.testing.assert_array_equal(decode_rle(rle), mask)
    # Down the columns, starting with zeros.
    assert encode_rle(np.array([[1, 0], [1, 1]]))['counts'] == [0, 2, 1, 1]


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
            path.write_text(format_voc(labels, convention))
            boxes = read_voc(path, convention)
            np.testing.assert_array_equal(boxes, labels.boxes)


def test_voc_numbers_are_those_of_the_convention():
    mask = np.zeros((9, 9), np.uint8)
    mask[2:4, 5:8] = 1
    labels = mask_labels(mask, 'a', 'a.png')
    for convention, expected in (
        ('voc', ['6', '3', '8', '4']),
        ('sirst-v2', ['6', '3', '9', '5']),
    ):
        root = ElementTree.fromstring(format_voc(labels, convention))
        box = root.find('object/bndbox')
        assert [corner.text for corner in box] == expected
        assert root.findtext('size/width') == '9'
    with pytest.raises(ValueError, match="convention='x'"):
        format_voc(labels, 'x')


def test_xml_that_expands_entities_is_refused(tmp_path):
    path = tmp_path / 'bomb.xml'
    entities = ''.join(
        f'<!ENTITY e{i + 1} "{f"&e{i};" * 10}">' for i in range(9)
    )
    path.write_text(
        f'<!DOCTYPE a [<!ENTITY e0 "x">{entities}]>'
        '<annotation>&e9;</annotation>'
    )
    with pytest.raises(ValueError, match='bomb.xml.*DOCTYPE'):
        read_voc(path)
    path.write_text('<annotation>')
    with pytest.raises(ValueError, match='bomb.xml'):
        read_voc(path)
    with pytest.raises(ValueError, match='none.xml'):
        read_voc(tmp_path / 'none.xml')


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
            'compressed',
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


def test_each_target_is_drawn_from_what_it_has(tmp_path):
    runs = np.zeros((9, 12), np.uint8)
    runs[7, 1] = runs[8, 2] = 1
    triangle = [6, 0, 11, 0, 6, 5]
    dot = [9.6, 6.6, 10.4, 6.6, 10.4, 7.4]
    annotations = [
        dict(image_id=1, bbox=[1, 7, 2, 2], segmentation=encode_rle(runs)),
        dict(image_id=1, bbox=[6, 0, 5, 7.4], segmentation=[triangle, dot]),
        dict(image_id=1, bbox=[0, 0, 2, 3], segmentation=[]),
        dict(image_id=1, bbox=[3, 3, 1, 1]),
    ]
    image = dict(id=1, file_name='a.png', height=9, width=12)
    path = tmp_path / 'a.json'
    path.write_text(json.dumps(dict(images=[image], annotations=annotations)))
    ((image_id, labels),) = list_labels(path, 'coco', None)
    expected = runs.copy()
    expected[0:3, 0:2] = expected[3, 3] = expected[7, 10] = 1
    y, x = np.mgrid[:9, :12] + 0.5
    expected[(x > 6) & (y > 0) & (x - 6 + y < 5)] = 1
    mask = draw_labels(image_id, labels, 'coco', None)
    np.testing.assert_array_equal(mask, expected)
    filled = draw_labels(image_id, labels, 'coco', None, 'box')
    np.testing.assert_array_equal(filled, boxes_to_mask(labels.boxes, (9, 12)))
    # what was read can be written
    areas = [a['area'] for a in to_coco([labels])['annotations']]
    assert areas == [2, 11, 6, 1]


def test_polygons_against_pycocotools():
    coding = pytest.importorskip('pycocotools.mask')
    rng = np.random.default_rng(0)
    for corners in (3, 4, 9):
        angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
        offsets = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        polygon = (offsets * (20, 14) + (25.3, 16.8)).ravel().tolist()
        (code,) = coding.frPyObjects([polygon], *RNG_SHAPE)
        own = polygons_to_mask([polygon], RNG_SHAPE)
        # borders differ: theirs is drawn on a grid of 1/5 px
        difference = own != coding.decode(code)
        assert own.sum() > 20 and difference.sum() <= 2 * corners
    square = [3, 2, 7, 2, 7, 5, 3, 5]
    mask = polygons_to_mask([square], (9, 9))
    np.testing.assert_array_equal(mask, boxes_to_mask([[3, 2, 7, 5]], (9, 9)))
    (code,) = coding.frPyObjects([square], 9, 9)
    np.testing.assert_array_equal(mask, coding.decode(code))


def test_polygons_at_the_border():
    mask = polygons_to_mask([[-9, 4, 3, 4, 3, 99, -9, 99]], (9, 12))
    np.testing.assert_array_equal(mask, boxes_to_mask([[0, 4, 3, 9]], (9, 12)))
    with pytest.raises(ValueError, match='wholly outside.*12x9'):
        polygons_to_mask([[20, 1, 25, 1, 25, 4]], (9, 12))


def test_filled_shapes():
    boxes = np.array([[1, 1, 4, 3], [6, 0, 11, 5], [-2, 7, 2, 99]])
    mask = boxes_to_mask(boxes, (9, 12))
    expected = np.zeros((9, 12), np.uint8)
    expected[1:3, 1:4] = expected[0:5, 6:11] = expected[7:9, 0:2] = 1
    np.testing.assert_array_equal(mask, expected)
    ellipse = boxes_to_mask(boxes, (9, 12), 'ellipse')
    assert (ellipse <= mask).all() and ellipse.any()
    # Pixels whose centre is within 2.5 px of the centre of a 5 px box.
    y, x = np.mgrid[:5, :5] - 2
    np.testing.assert_array_equal(ellipse[0:5, 6:11], np.hypot(y, x) <= 2.5)
    single = boxes_to_mask(np.array([[3, 3, 4, 4]]), (9, 9), 'ellipse')
    assert single.sum() == 1 and single[3, 3] == 1
    with pytest.raises(ValueError, match="fill='x'"):
        boxes_to_mask(boxes, (9, 12), 'x')


@pytest.mark.parametrize(
    ('box', 'expected'),
    [
        ((11.5, 11.5, 12.5, 12.5), (12, 12, 13, 13)),
        ((4.6, 4.6, 5.4, 5.4), (5, 5, 6, 6)),
        ((4.6, 2, 5.4, 5), (5, 2, 6, 5)),
        ((0.5, 1.5, 2.5, 3.5), (1, 2, 3, 4)),
        ((3, 3, 3, 3), (3, 3, 4, 4)),
        ((-5, 2, 0.2, 4), (0, 2, 1, 4)),
        ((31.8, 30, 32, 40), (31, 30, 32, 32)),
    ],
)
@pytest.mark.parametrize('fill', ['box', 'ellipse'])
def test_every_box_has_pixels(box, expected, fill):
    mask = boxes_to_mask(np.array([box]), (32, 32), fill)
    x1, y1, x2, y2 = expected
    inside = mask[y1:y2, x1:x2]
    assert inside.any() and inside.sum() == mask.sum()
    assert fill == 'ellipse' or inside.all()


def test_an_ellipse_that_is_cut_off_keeps_a_pixel():
    mask = boxes_to_mask([[-19, -19, 1, 1]], (32, 32), 'ellipse')
    assert np.argwhere(mask).tolist() == [[0, 0]]


@pytest.mark.parametrize(
    ('box', 'reason'),
    [
        ((40, 3, 45, 9), 'wholly outside'),
        ((3, -9, 9, 0), 'wholly outside'),
        ((9, 3, 3, 9), 'inverted'),
    ],
)
def test_boxes_that_would_be_lost(box, reason):
    boxes = np.array([(1, 1, 4, 4), box])
    with pytest.raises(ValueError, match=rf'\({box[0]}.*{reason}.*33x32'):
        boxes_to_mask(boxes, (32, 33))


def test_points_that_would_be_lost():
    inside = [[31.5, -0.5], [3.5, 4.5], [2.5, 3.5]]
    mask = points_to_mask(np.array(inside), (32, 32))
    assert np.argwhere(mask).tolist() == [[0, 31], [4, 3], [5, 4]]
    for point in ((5000, -900), (-0.6, 3), (3, 31.6)):
        with pytest.raises(ValueError, match=rf'{point[0]}.*outside'):
            points_to_mask(np.array([[1, 1], point]), (32, 32))
    with pytest.raises(ValueError, match=r'\(2.9, 4.*\(3.1, 4.*one pixel'):
        points_to_mask(np.array([[2.9, 4], [3.1, 4]]), (32, 32))


def test_drawn_points():
    points = np.array([[3.4, 1.6], [11.4, -0.3]])
    mask = points_to_mask(points, (9, 12))
    assert np.argwhere(mask).tolist() == [[0, 11], [2, 3]]
    assert points_to_mask(points[:1], (9, 12), 1).sum() == 5
    assert not points_to_mask(np.zeros((0, 2)), (9, 12)).any()


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
