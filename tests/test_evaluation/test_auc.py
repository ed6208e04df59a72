"""Areas under curves against a second, plain implementation."""

import math
from fractions import Fraction

import numpy as np
import pytest
from naive_evaluation import random_images

from fdep_mm.evaluation import evaluate_curves
from fdep_mm.evaluation.functional import (
    pd_fa_auc,
    pd_fa_points,
    roc_auc,
    roc_points,
)


def plain_trapezoid(points):
    """Area under straight lines between points, exact."""
    area = Fraction(0)
    for (x0, y0), (x1, y1) in zip(points, points[1:], strict=False):
        area += (Fraction(x1) - Fraction(x0)) * (Fraction(y0) + Fraction(y1))
    return float(area / 2)


def pairs_won(prob, mask):
    """AUC as the chance that a target pixel is brighter than another."""
    on, off = prob[mask], prob[~mask]
    wins = (on[:, None] > off).sum() + (on[:, None] == off).sum() / 2
    return wins / (len(on) * len(off))


def test_roc_area_is_the_trapezoid_of_sorted_points():
    rng = np.random.default_rng(0)
    fpr, tpr = np.sort(rng.random((2, 30)))
    expected = plain_trapezoid([(0, 0), *zip(fpr, tpr, strict=True), (1, 1)])
    assert roc_auc(fpr, tpr) == pytest.approx(expected, abs=1e-12)
    order = rng.permutation(30)  # the order of thresholds does not matter
    assert roc_auc(fpr[order], tpr[order]) == roc_auc(fpr, tpr)


def test_roc_of_all_grey_levels_is_the_chance_of_a_won_pair():
    rng = np.random.default_rng(1)
    mask = rng.random((20, 20)) < 0.1
    levels = np.arange(21) / 20
    prob = rng.choice(levels, mask.shape) * 0.7 + 0.3 * mask
    thresholds = np.unique(prob.astype(np.float32).astype(float))
    curves = evaluate_curves([prob], [mask], thresholds.tolist())
    found = roc_auc(curves['FPR'], curves['TPR'])
    expected = pairs_won(prob.astype(np.float32), mask)
    assert found == pytest.approx(expected, abs=1e-12)


def test_tpr_and_fpr_are_shares_of_pixels():
    probs, masks = random_images(np.random.default_rng(2), 4)
    thresholds = [0.2, 0.5, 0.7]
    curves = evaluate_curves(probs, masks, thresholds)
    prob = np.concatenate([p.ravel() for p in probs])
    mask = np.concatenate([m.ravel() for m in masks]).astype(bool)
    for k, threshold in enumerate(thresholds):
        pred = prob > np.float32(threshold)
        assert curves['TPR'][k] == (pred & mask).sum() / mask.sum()
        assert curves['FPR'][k] == (pred & ~mask).sum() / (~mask).sum()


def test_a_perfect_and_a_useless_detector():
    assert roc_auc([0, 0], [1, 1]) == 1
    assert roc_auc([0.3], [0.3]) == pytest.approx(0.5)
    assert pd_fa_auc([0, 0], [1, 1]) == 1
    assert pd_fa_auc([1.0], [1.0]) < 1e-4


def test_pd_fa_area_is_the_trapezoid_up_to_the_limit():
    # Pd falls once: the better threshold with less Fa stays available
    fa = np.array([8e-5, 4e-5, 2e-5, 1e-5, 3e-4])
    pd = np.array([0.9, 0.6, 0.7, 0.2, 1.0])
    at_limit = 0.9 + (1.0 - 0.9) * (1e-4 - 8e-5) / (3e-4 - 8e-5)
    points = [
        *((0, 0), (1e-5, 0.2), (2e-5, 0.7), (4e-5, 0.7), (8e-5, 0.9)),
        (1e-4, at_limit),
    ]
    expected = plain_trapezoid(points) / 1e-4
    assert pd_fa_auc(fa, pd) == pytest.approx(expected, abs=1e-12)
    np.testing.assert_allclose(np.stack(pd_fa_points(fa, pd, 1e-4), 1), points)


def test_pd_stays_beyond_the_largest_fa():
    assert pd_fa_auc([0.0], [0.5], limit=2e-6) == 0.5
    half = pd_fa_auc([1e-6], [1.0], limit=2e-6)
    assert half == pytest.approx(0.75)


def test_points_ascend():
    rng = np.random.default_rng(3)
    fa, pd = rng.random((2, 40)) * [[1e-4], [1]]
    x, y = pd_fa_points(fa, pd, 5e-5)
    assert (np.diff(x) >= 0).all() and (np.diff(y) >= 0).all()
    assert (np.diff(roc_points(fa, pd)[0]) >= 0).all()


def test_no_target_has_no_area():
    assert math.isnan(pd_fa_auc([1e-6, 0], [math.nan, math.nan]))
    assert math.isnan(roc_auc([0.1, 0], [math.nan, math.nan]))


@pytest.mark.parametrize(
    ('call', 'message'),
    [
        (lambda: pd_fa_auc([0.1], [0.5], limit=0), 'limit must be an Fa'),
        (lambda: pd_fa_auc([], []), 'fa and pd must be two non-empty'),
        (lambda: roc_auc([[0.1]], [[0.5]]), 'fpr and tpr must be two'),
    ],
)
def test_wrong_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()
