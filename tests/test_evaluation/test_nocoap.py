"""mNoCoAP: by hand, and against measured oracles."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from nocoap_loop import load_truth

from fdep_mm.core.boxes import mask_boxes
from fdep_mm.evaluation import mnocoap
from fdep_mm.evaluation.functional import prob_points, record_detections

REPO = Path(__file__).parents[2]

NINE = [f'NoCoAP{t}0' for t in range(1, 10)]


def points(centers):
    return [np.column_stack([c, np.ones(len(c))]) for c in centers]


@pytest.fixture(scope='module')
def test_full():
    """Maps and boxes of SIRST-V2's test split."""
    root = Path(os.environ.get('FDEP_DATA', REPO.parent / 'shared/data'))
    if not (root / 'sirst-v2').is_dir():
        pytest.skip(f'no sirst-v2 in {root}: set FDEP_DATA')
    return load_truth(root, 256)


@pytest.fixture(scope='module')
def centers(test_full):
    return [(b[:, :2] + b[:, 2:]) / 2 for b in test_full[1]]


def rounded(values):
    return [round(v, 3) for v in values]


def test_oracle_boxes(test_full, centers):
    maps, boxes = test_full
    assert sum(map(len, boxes)) == 150
    assert sum(not len(b) for b in boxes) == 131
    as_boxes = mnocoap(points(boxes), maps, boxes)
    assert list(as_boxes) == ['mNoCoAP', *NINE]
    assert round(as_boxes['mNoCoAP'], 4) == 0.7312
    assert rounded(as_boxes[k] for k in NINE) == [
        *(0.982, 0.982, 0.970, 0.863, 0.751, 0.701, 0.606, 0.428, 0.296)
    ]
    assert mnocoap(points(centers), maps, boxes) == as_boxes


@pytest.mark.parametrize(
    ('shift', 'expected'),
    [
        (-1.0, 0.724),
        (-0.75, 0.828),
        (-0.5, 0.8605),
        (-0.25, 0.857),
        (-0.1, 0.857),
        (0.1, 0.648),
        (0.25, 0.648),
        (0.5, 0.514),
    ],
)
def test_oracle_shifts(test_full, centers, shift, expected):
    found = points([c + shift for c in centers])
    result = mnocoap(found, *test_full)['mNoCoAP']
    if shift == -0.5:
        assert round(result, 4) == expected
    # three digits, rounded twice: 0.82747, 0.8275, 0.828
    assert result == pytest.approx(expected, abs=6e-4)


def test_oracle_floor_and_pixel_center(test_full, centers):
    maps, boxes = test_full
    floored = mnocoap(points([np.floor(c) for c in centers]), maps, boxes)
    assert round(floored['mNoCoAP'], 4) == 0.8570
    assert rounded(floored[k] for k in NINE) == [
        *(0.992, 0.982, 0.974, 0.903, 0.896, 0.883, 0.808, 0.695, 0.580)
    ]
    assert mnocoap(points(boxes), maps, boxes, 'pixel_center') == floored


def peak(box, noco):
    """The pixel of the largest value in a box."""
    x1, y1, x2, y2 = box
    inside = noco[y1:y2, x1:x2]
    y, x = np.unravel_index(inside.argmax(), inside.shape)
    return x1 + x, y1 + y


def test_oracle_peaks(test_full):
    maps, boxes = test_full
    peaks = [
        np.array([peak(box, noco) for box in own.astype(int)]).reshape(-1, 2)
        for own, noco in zip(boxes, maps, strict=True)
    ]
    legacy = mnocoap(points(peaks), maps, boxes)
    assert round(legacy['mNoCoAP'], 4) == 0.9899
    assert rounded(legacy[k] for k in NINE) == [
        *(1, 1, 1, 1, 1, 0.992, 0.979, 0.969, 0.969)
    ]
    assert legacy == mnocoap(points(peaks), maps, boxes, 'pixel_center')


def test_xml_boxes_are_those_of_the_masks(find_data, test_full):
    folder = find_data('sirst-v2')
    ids = (folder / 'splits/test_full.txt').read_text().split()
    for i, boxes in zip(ids, test_full[1], strict=True):
        path = folder / f'annotations/masks/{i}_pixels0.png'
        found = mask_boxes(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))
        assert sorted(found.tolist()) == sorted(boxes.tolist())


@pytest.fixture
def ramp():
    """One target, its NoCo 0.05 to 0.95 from left to right."""
    noco = np.zeros((20, 20))
    noco[5, 4:14] = np.arange(10) / 10 + 0.05
    return noco, np.array([[4.0, 4, 14, 8]])


def test_duplicates_and_scores_by_hand(ramp):
    noco, boxes = ramp
    # 0.55, 0.95, and one outside every box
    found = [[9, 5, 0.9], [13, 5, 0.8], [1, 1, 0.95]]
    result = mnocoap([found], [noco], [boxes])
    # at 0.1 .. 0.5 the second by score is true, above it the third
    assert [result[k] for k in NINE] == pytest.approx(
        [1 / 2] * 5 + [1 / 3] * 4
    )
    assert result['mNoCoAP'] == pytest.approx((5 / 2 + 4 / 3) / 9)
    only = mnocoap([found[:1]], [noco], [boxes])
    assert [only[k] for k in NINE] == [1] * 5 + [0] * 4
    assert set(only) == {'mNoCoAP', *NINE}


def test_a_threshold_is_exclusive():
    noco = np.full((3, 3), 0.5)
    result = mnocoap([[[1, 1, 1]]], [noco], [[[0, 0, 3, 3]]])
    assert result['NoCoAP40'] == 1 and result['NoCoAP50'] == 0


def test_rounding_and_edges_of_the_modes(ramp):
    noco, boxes = ramp

    def noco_at(x, y, mode):
        record = record_detections([[x, y, 1]], noco, boxes, mode)
        return float(record.noco[0]), int(record.target[0])

    # half to even, against rounding down
    assert noco_at(8.5, 5, 'box_center') == (noco[5, 8], 0)
    assert noco_at(9.5, 5, 'box_center') == (noco[5, 10], 0)
    assert noco_at(9.5, 5, 'pixel_center') == (noco[5, 9], 0)
    # the right edge belongs to the box of the paper's toolkit only
    assert noco_at(14, 5, 'box_center')[1] == 0
    assert noco_at(14, 5, 'pixel_center')[1] == -1
    # outside of the image: its nearest pixel, and no target
    assert noco_at(20, 5, 'box_center') == (0, -1)
    assert noco_at(-7, 300, 'pixel_center') == (0, -1)


def test_first_box_only(ramp):
    noco, boxes = ramp
    two = np.vstack([boxes, boxes])
    twice = [[12, 5, 0.9], [13, 5, 0.8]]
    record = record_detections(twice, noco, two)
    assert record.target.tolist() == [0, 0] and record.num_targets == 2
    result = mnocoap([twice], [noco], [two])
    assert result['NoCoAP10'] == 0.5


def test_nothing_detected_and_nothing_there(ramp):
    noco, boxes = ramp
    assert mnocoap([[]], [noco], [boxes])['mNoCoAP'] == 0
    # a target-free image lowers precision by its detections
    both = mnocoap(
        [[[13, 5, 0.5]], [[1, 1, 0.9]]], [noco, noco * 0], [boxes, []]
    )
    assert both['mNoCoAP'] == 0.5
    with pytest.warns(UserWarning, match='no target'):
        result = mnocoap([[[1, 1, 0.9]]], [noco * 0], [[]])
    assert np.isnan(list(result.values())).all() and len(result) == 10


def test_bad_input(ramp):
    noco, boxes = ramp
    point = [[1, 1, 1]]
    with pytest.raises(ValueError, match='1 detections, 2 noco_maps'):
        mnocoap([point], [noco, noco], [boxes])
    with pytest.raises(ValueError, match='image 0: .*NaN'):
        mnocoap([[[1, np.nan, 1]]], [noco], [boxes])
    with pytest.raises(ValueError, match=r'got shape \(1, 4\)'):
        mnocoap([[[1, 1, 1, 1]]], [noco], [boxes])
    with pytest.raises(ValueError, match='centroid_mode'):
        mnocoap([point], [noco], [boxes], 'center')
    with pytest.raises(ValueError, match='image 0.*not in it'):
        mnocoap([point], [noco], [[[0, 0, 21, 3]]])
    with pytest.raises(ValueError, match=r'must be \(H, W\)'):
        mnocoap([point], [noco[None]], [boxes])


def test_prob_points():
    prob = np.zeros((12, 12), np.float32)
    prob[2:5, 2:5] = 0.6
    prob[5, 5] = 0.8  # touches by a corner: the same region
    prob[9, 1:4] = [0.7, 0.9, 0.7]
    prob[0, 11] = 0.5
    found = prob_points(prob)
    np.testing.assert_allclose(found, [[5, 5, 0.8], [2, 9, 0.9]], rtol=1e-6)
    assert prob_points(prob * 0).shape == (0, 3)
    assert len(prob_points(prob, threshold=0.4)) == 3


def test_the_peak_of_a_region_or_of_its_bounding_box():
    prob = np.zeros((6, 6))
    prob[0] = prob[:, 0] = 0.6  # an L around
    prob[3, 4] = 0.9
    np.testing.assert_array_equal(prob_points(prob), [[4, 3, 0.9]] * 2)
    found = prob_points(prob, peak='region')
    np.testing.assert_array_equal(found, [[0, 0, 0.6], [4, 3, 0.9]])
    with pytest.raises(ValueError, match="peak='box': give one of"):
        prob_points(prob, peak='box')
