"""Matching: hand-worked cases, and brute force on random ones."""

import math
from itertools import combinations

import numpy as np
import pytest
from naive_evaluation import flood_components, squared_distance

from fdep_mm.core.components import mask_components
from fdep_mm.core.matching import MATCHERS, close_pairs, match_masks


def points(shape, *places):
    mask = np.zeros(shape, bool)
    for place in places:
        mask[place] = True
    return mask


def matched(pred, mask, radius, inclusive, match):
    pairs = close_pairs(mask_components(mask), mask_components(pred), radius)
    if not inclusive:
        pairs = pairs[pairs['distance'] < radius]
    return MATCHERS[match](pairs)[['target', 'detection']].tolist()


def test_greedy_takes_the_first_in_raster_order_not_the_nearest():
    mask = points((12, 12), (5, 5))
    pred = points((12, 12), (3, 5), (6, 5))  # 2 px above, 1 px below
    assert matched(pred, mask, 3, False, 'greedy') == [(0, 0)]
    assert matched(pred, mask, 3, False, 'hungarian') == [(0, 1)]


def test_greedy_can_lose_a_target_that_hungarian_finds():
    # P (4, 7) is sqrt(5) from both targets, Q (7, 5) is 2 px from the first
    # and sqrt(20) from the second. Greedy gives P to the first target.
    mask = points((12, 12), (5, 5), (5, 9))
    pred = points((12, 12), (4, 7), (7, 5))
    assert matched(pred, mask, 3, False, 'greedy') == [(0, 0)]
    assert matched(pred, mask, 3, False, 'hungarian') == [(0, 1), (1, 0)]


def test_one_detection_serves_one_target():
    mask = points((9, 9), (4, 2), (4, 6))
    pred = points((9, 9), (4, 4))
    assert matched(pred, mask, 3, False, 'greedy') == [(0, 0)]
    assert len(matched(pred, mask, 3, False, 'hungarian')) == 1


@pytest.mark.parametrize('match', ['greedy', 'hungarian'])
def test_the_radius_is_strict_and_the_tolerance_is_not(match):
    # Exactly 3 px apart, and exactly 5 by Pythagoras; wherever in the image
    # and whatever the shape, so that no rounding of centroids decides.
    shape = [(0, 0), (0, 1), (1, 1), (1, 2), (2, 0), (2, 1), (3, 2)]
    for y in range(0, 60, 7):
        for x in range(0, 60, 11):
            for dy, dx, d in ((3, 0, 3), (0, -3, 3), (3, 4, 5), (-4, 3, 5)):
                mask = np.zeros((90, 90), bool)
                pred = np.zeros((90, 90), bool)
                for py, px in shape:
                    mask[10 + y + py, 10 + x + px] = True
                    pred[10 + y + py + dy, 10 + x + px + dx] = True
                assert matched(pred, mask, d, False, match) == []
                assert matched(pred, mask, d, True, match) == [(0, 0)]


def test_hungarian_has_the_least_total_distance():
    rng = np.random.default_rng(7)
    for _ in range(30):
        mask = rng.random((9, 9)) < 0.05
        pred = rng.random((9, 9)) < 0.07
        targets, detections = flood_components(mask), flood_components(pred)
        edges = [
            (t, d, math.sqrt(squared_distance(one, other)))
            for t, one in enumerate(targets)
            for d, other in enumerate(detections)
            if squared_distance(one, other) <= 9
        ]
        best = matched(pred, mask, 3, True, 'hungarian')
        total = sum(c for t, d, c in edges if (t, d) in best)
        for choice in combinations(edges, len(best)):
            if len({t for t, _, _ in choice}) < len(best):
                continue
            if len({d for _, d, _ in choice}) < len(best):
                continue
            assert total <= sum(c for _, _, c in choice) + 1e-9


def test_match_masks_labels_and_flags_belong_together():
    mask = points((20, 20), (2, 2), (10, 10), (10, 11))
    pred = points((20, 20), (0, 15), (10, 10), (18, 3))
    found = match_masks(pred, mask)
    assert found.target_hit.tolist() == [False, True]
    assert found.detection_hit.tolist() == [False, True, False]
    assert found.target_labels[2, 2] == 1 and found.target_labels[10, 11] == 2
    assert found.detection_labels[10, 10] == 2
