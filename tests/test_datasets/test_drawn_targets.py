"""Masks drawn from boxes, points and polygons of other formats."""

import json

import numpy as np
import pytest

from fdep_mm.core import run_lengths
from fdep_mm.datasets.converters.coco import read_coco, to_coco
from fdep_mm.datasets.converters.labels import draw_labels
from fdep_mm.datasets.converters.regions import boxes_to_mask, points_to_mask
from fdep_mm.datasets.converters.segmentations import polygons_to_mask

SHAPE = (30, 41)


def test_each_target_is_drawn_from_what_it_has(tmp_path):
    runs = np.zeros((9, 12), np.uint8)
    runs[7, 1] = runs[8, 2] = 1
    triangle = [6, 0, 11, 0, 6, 5]
    dot = [9.6, 6.6, 10.4, 6.6, 10.4, 7.4]
    code = run_lengths.encode(runs, (0, 0), runs.shape)
    annotations = [
        dict(image_id=1, bbox=[1, 7, 2, 2], segmentation=code),
        dict(image_id=1, bbox=[6, 0, 5, 7.4], segmentation=[triangle, dot]),
        dict(image_id=1, bbox=[0, 0, 2, 3], segmentation=[]),
        dict(image_id=1, bbox=[3, 3, 1, 1]),
    ]
    image = dict(id=1, file_name='a.png', height=9, width=12)
    path = tmp_path / 'a.json'
    path.write_text(json.dumps(dict(images=[image], annotations=annotations)))
    (labels,) = read_coco(path)
    expected = runs.copy()
    expected[0:3, 0:2] = expected[3, 3] = expected[7, 10] = 1
    y, x = np.mgrid[:9, :12] + 0.5
    expected[(x > 6) & (y > 0) & (x - 6 + y < 5)] = 1
    mask = draw_labels(labels)
    np.testing.assert_array_equal(mask, expected)
    filled = draw_labels(labels, 'box')
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
        (code,) = coding.frPyObjects([polygon], *SHAPE)
        own = polygons_to_mask([polygon], SHAPE)
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
    # Pixels whose center is within 2.5 px of the center of a 5 px box.
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
