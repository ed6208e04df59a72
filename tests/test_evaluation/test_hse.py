"""Scores and curves: worked by hand, and against the naive implementation."""

import math
import warnings

import numpy as np
import pytest
from naive_evaluation import naive_curves, naive_hse, random_images

from fdep_mm.evaluation import evaluate_curves, evaluate_masks

GRID = [k / 20 for k in range(1, 20)]
TOLERANCES = (1, 2, 3, 4, 5)
KEYS = ['IoU', 'nIoU', 'Pd', 'Fa', 'HSE', 'HSE_P', 'HSE_T']


def box(top, left, bottom, right, value=1.0, shape=(10, 10)):
    image = np.zeros(shape, np.float32)
    image[top:bottom, left:right] = value
    return image


def test_hand_worked_case():
    # One target of 2 x 2 px, centroid (2.5, 2.5). Prediction: 0.9 on the same
    # shape one px to the right, and 0.6 on a single px far away.
    mask = box(2, 2, 4, 4)
    prob = box(2, 3, 4, 5, 0.9) + box(8, 8, 9, 9, 0.6)
    curves = evaluate_curves(
        [prob], [mask], thresholds=[0.5, 0.7], tolerances=[0.5, 1]
    )
    # 0.5: 5 px predicted, 2 shared, union 4 + 5 - 2 = 7; 2 detections, one
    # hit at 1 px (<= 1, not <= 0.5), 1 false px of 100.
    # 0.7: 4 px predicted, 2 shared, union 6; 1 detection, hit.
    np.testing.assert_allclose(curves['IoU'], [2 / 7, 2 / 6])
    np.testing.assert_allclose(curves['nIoU'], [2 / 7, 2 / 6])
    np.testing.assert_allclose(curves['Pd'], [1, 1])
    np.testing.assert_allclose(curves['Fa'], [0.01, 0])
    np.testing.assert_allclose(curves['F1'], [[0, 0], [2 / 3, 1]])
    scores = evaluate_masks(
        [prob],
        [mask],
        thresholds=[0.5, 0.7],
        tolerances=[0.5, 1],
        threshold=0.5,
    )
    assert list(scores) == KEYS
    # Two thresholds: the integral is the mean of both ends.
    hse_p = (2 / 7 + 2 / 6) / 2
    hse_t = (0 + (2 / 3 + 1) / 2) / 2
    assert scores['HSE_P'] == pytest.approx(hse_p)
    assert scores['HSE_T'] == pytest.approx(hse_t)
    assert scores['HSE'] == pytest.approx((hse_p + hse_t) / 2)
    assert scores['IoU'] == pytest.approx(2 / 7)
    assert scores['Fa'] == pytest.approx(0.01)


def test_iou_pools_pixels_and_niou_averages_images():
    # Image 1: 8 of 16 px; image 2, of another size: 1 of 1 px.
    probs = [box(0, 0, 4, 2), box(5, 5, 6, 6, shape=(20, 7))]
    masks = [box(0, 0, 4, 4), box(5, 5, 6, 6, shape=(20, 7))]
    scores = evaluate_masks(probs, masks)
    assert scores['IoU'] == pytest.approx(9 / 17)
    assert scores['nIoU'] == pytest.approx((0.5 + 1) / 2)


def test_false_alarm_with_the_area_of_a_hit_counts():
    # 'area in matched areas' would drop the false 2 x 2 px: Fa 0 not 4 / 100.
    mask = box(1, 1, 3, 3)
    prob = box(1, 1, 3, 3) + box(6, 6, 8, 8)
    assert evaluate_masks([prob], [mask])['Fa'] == 4 / 100
    theirs = dict(false_alarms='other-area')
    assert evaluate_masks([prob], [mask], **theirs)['Fa'] == 0
    # another area, and another image, still count
    prob += box(0, 8, 1, 9)
    only = box(6, 6, 8, 8)
    found = evaluate_masks([prob, only], [mask, mask], **theirs)
    assert found['Fa'] == (1 + 4) / 200


def test_second_detection_on_a_target_is_a_false_alarm():
    mask = box(4, 4, 5, 5)
    prob = box(3, 2, 4, 3) + box(5, 6, 6, 7)  # both sqrt(5) px away
    scores = evaluate_masks([prob], [mask])
    assert (scores['Pd'], scores['Fa']) == (1, 1 / 100)


def test_pd_is_strict_at_3_px_and_f1_inclusive():
    mask, prob = box(2, 2, 4, 4), box(5, 2, 7, 4)
    scores = evaluate_masks([prob], [mask], tolerances=[3])
    assert (scores['Pd'], scores['Fa'], scores['HSE_T']) == (0, 0.04, 1)
    assert evaluate_masks([prob], [mask], radius=3.01)['Pd'] == 1


def test_connectivity():
    # Two px that touch by a corner; the detection covers the first only.
    mask = box(2, 2, 3, 3) + box(3, 3, 4, 4)
    prob = box(2, 2, 3, 3)
    assert evaluate_masks([prob], [mask])['Pd'] == 1
    assert evaluate_masks([prob], [mask], connectivity=4)['Pd'] == 0.5


def test_uneven_thresholds_equal_the_naive_implementation():
    rng = np.random.default_rng(5)
    probs, masks = random_images(rng, 3)
    thresholds = [0.0, 0.1, 0.35, 0.9]
    scores = evaluate_masks(probs, masks, thresholds, (2,), threshold=0.6)
    expected = naive_curves(probs, masks, thresholds, (2,))
    for key, value in naive_hse(expected, thresholds).items():
        assert scores[key] == pytest.approx(value, rel=1e-12)
    main = naive_curves(probs, masks, [0.6], ())
    for key in ('IoU', 'nIoU', 'Pd', 'Fa'):
        assert scores[key] == pytest.approx(main[key][0], rel=1e-12)


def test_an_int_means_evenly_spaced_interior_thresholds():
    rng = np.random.default_rng(6)
    probs, masks = random_images(rng, 2)
    assert evaluate_masks(probs, masks) == evaluate_masks(
        probs, masks, GRID, TOLERANCES
    )
    curves = evaluate_curves(probs, masks, thresholds=4)
    assert curves['thresholds'].tolist() == [0.2, 0.4, 0.6, 0.8]
    assert curves['F1'].shape == (5, 4)


def test_a_single_threshold_gives_the_value_there():
    rng = np.random.default_rng(8)
    probs, masks = random_images(rng, 3)
    scores = evaluate_masks(probs, masks, thresholds=[0.5])
    assert scores['HSE_P'] == (scores['IoU'] + scores['nIoU']) / 2


@pytest.mark.parametrize('dtype', [np.float16, np.float32, np.float64])
def test_comparison_is_strict_in_float32(dtype):
    # 0.15 is another number in each type; 0.5 is the same in all of them.
    mask = box(2, 2, 4, 4)
    at = evaluate_masks([(mask * 0.5).astype(dtype)], [mask])
    assert (at['IoU'], at['Pd']) == (0, 0)
    if dtype != np.float16:
        prob = (mask * 0.15).astype(dtype)
        curves = evaluate_curves([prob], [mask])
        assert curves['IoU'].tolist() == [1, 1] + [0] * 17


def test_mask_and_prob_types_do_not_matter():
    rng = np.random.default_rng(9)
    probs, masks = random_images(rng, 3)
    expected = evaluate_masks(probs, masks)
    for convert in (
        lambda mask: mask.astype(np.uint8),
        lambda mask: mask.astype(np.uint8) * 255,
        lambda mask: mask.astype(np.float64),
        lambda mask: mask.astype(np.int64),
    ):
        assert evaluate_masks(probs, map(convert, masks)) == expected
    hard = [prob > 0.5 for prob in probs]
    assert evaluate_masks(hard, masks) == evaluate_masks(
        [pred.astype(np.float32) for pred in hard], masks
    )


def test_empty_image_option():
    # Image 1 has IoU 0.5; image 2 is empty in truth and prediction.
    probs = [box(0, 0, 1, 2), box(0, 0, 0, 0)]
    masks = [box(0, 0, 1, 4), box(0, 0, 0, 0)]
    for empty, niou in (('one', 0.75), ('zero', 0.25), ('skip', 0.5)):
        scores = evaluate_masks(probs, masks, empty=empty)
        assert (scores['nIoU'], scores['IoU']) == (niou, 0.5)


@pytest.mark.parametrize(
    ('empty', 'iou'), [('one', 1.0), ('zero', 0.0), ('skip', math.nan)]
)
def test_a_set_without_target_is_no_success(empty, iou):
    blanks = [np.zeros((8, 8), np.float32)] * 2
    with pytest.warns(UserWarning, match='none of the 2 images holds a targ'):
        scores = evaluate_masks(blanks, blanks, empty=empty)
    assert scores.pop('Fa') == 0
    assert all(map(math.isnan, scores.values()))
    scores = evaluate_masks(blanks, blanks, empty=empty, no_target='zero')
    for key in ('IoU', 'nIoU'):
        assert scores[key] == pytest.approx(iou, nan_ok=True)


def test_a_set_without_target_still_counts_false_alarms():
    with pytest.warns(UserWarning, match='check the masks'):
        scores = evaluate_masks([box(0, 0, 2, 2)], [box(0, 0, 0, 0)])
    assert scores.pop('Fa') == 0.04
    assert all(map(math.isnan, scores.values()))


def test_a_set_without_target_can_be_zero():
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        scores = evaluate_masks(
            [box(0, 0, 2, 2)], [box(0, 0, 0, 0)], no_target='zero'
        )
    assert scores['Pd'] == scores['HSE_T'] == 0


def test_nothing_detected_is_zero_without_warning():
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        scores = evaluate_masks([box(0, 0, 0, 0)], [box(1, 1, 3, 3)])
    assert scores == dict.fromkeys(KEYS, 0.0)


def test_everything_foreground():
    # One detection of 100 px, centroid (4.5, 4.5); the target's is (4.5, 4.5)
    # too: a hit, as the rule has it, so that Fa is 0.
    full = np.ones((10, 10), np.float32)
    scores = evaluate_masks([full], [box(4, 4, 6, 6)])
    assert (scores['IoU'], scores['Pd'], scores['Fa']) == (0.04, 1, 0)
    scores = evaluate_masks([full], [box(0, 0, 2, 2)])
    assert (scores['Pd'], scores['Fa']) == (0, 1)


def test_generators_and_stacked_arrays_are_sequences_too():
    rng = np.random.default_rng(12)
    probs = rng.random((3, 16, 16), dtype=np.float32)
    masks = rng.random((3, 16, 16)) < 0.05
    expected = evaluate_masks(list(probs), list(masks))
    assert evaluate_masks(probs, masks) == expected
    assert evaluate_masks((p for p in probs), (m for m in masks)) == expected
