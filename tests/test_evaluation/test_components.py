"""Components against a flood fill, in number, place and order."""

import numpy as np
import pytest
from naive_evaluation import flood_components

from fdep_mm.core import components
from fdep_mm.evaluation.functional.counts import digitize


def as_rows(found, layer=0):
    here = found.layer == layer
    return list(
        zip(
            found.area[here].astype(int).tolist(),
            found.sum_y[here].astype(int).tolist(),
            found.sum_x[here].astype(int).tolist(),
            strict=True,
        )
    )


def expected_rows(mask, connectivity):
    return [
        (len(part), sum(y for y, _ in part), sum(x for _, x in part))
        for part in flood_components(mask, connectivity)
    ]


def test_a_component_is_numbered_by_its_first_pixel():
    # The right arm of the U starts first, the left one is met later; scipy
    # must give both the number of the earlier one, before the lone pixel.
    mask = np.array(
        [
            [0, 0, 0, 1, 0, 0],
            [1, 0, 0, 1, 0, 1],
            [1, 1, 1, 1, 0, 0],
        ],
        bool,
    )
    found = components.mask_components(mask)
    assert as_rows(found) == expected_rows(mask, 8)


def test_separate_lines_stay_separate_when_empty_ones_are_dropped():
    # One empty row or column must remain between strangers, corners included.
    mask = np.zeros((9, 9), bool)
    mask[0, 0] = mask[2, 2] = mask[8, 8] = mask[2, 8] = True
    assert len(components.mask_components(mask).area) == 4


@pytest.mark.parametrize('max_canvas', [1, 700, 2**21])
def test_sweep_equals_one_threshold_at_a_time(monkeypatch, max_canvas):
    monkeypatch.setattr(components, 'MAX_CANVAS', max_canvas)
    rng = np.random.default_rng(1)
    thresholds = np.linspace(0.1, 0.9, 9, dtype=np.float32)
    for noise in (0.3, 1.0):
        prob = (noise * rng.random((18, 23))).astype(np.float32)
        index, level = digitize(prob, thresholds)
        found = components.sweep_components(index, level, 9, prob.shape)
        for k, threshold in enumerate(thresholds):
            assert as_rows(found, k) == expected_rows(prob > threshold, 8)


def test_nothing_above_the_thresholds():
    prob = np.zeros((5, 6), np.float32)
    index, level = digitize(prob, np.array([0.5], np.float32))
    found = components.sweep_components(index, level, 1, prob.shape)
    assert [len(column) for column in found] == [0, 0, 0, 0]
