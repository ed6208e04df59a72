"""What a user can hand over by mistake, and what the error says."""

import numpy as np
import pytest

from fdep_mm.evaluation import evaluate_curves, evaluate_masks

GOOD = np.zeros((6, 7), np.float32)
MASK = np.pad(np.ones((2, 2), np.uint8), 2)[:, :6]
MASK = np.pad(MASK, ((0, 0), (0, 1)))


@pytest.mark.parametrize('bad', [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_name_the_image(bad):
    prob = GOOD.copy()
    prob[3, 3] = bad
    with pytest.raises(ValueError, match='image 1: .*NaN or infinity in 1 of'):
        evaluate_masks([GOOD, prob], [MASK, MASK])
    with pytest.raises(ValueError, match='b.png: .*NaN or infinity'):
        evaluate_masks([GOOD, prob], [MASK, MASK], names=['a.png', 'b.png'])


@pytest.mark.parametrize('bad', [-0.01, 1.01, 255.0])
def test_values_outside_0_1(bad):
    with pytest.raises(ValueError, match=r'image 0: .*\[0, 1\].*sigmoid'):
        evaluate_masks([GOOD + np.float32(bad)], [MASK])


@pytest.mark.parametrize('dtype', [np.uint8, np.int64, np.uint16])
def test_integer_predictions_name_the_way_out(dtype):
    with pytest.raises(TypeError, match=r'prob / 255\.'):
        evaluate_masks([GOOD.astype(dtype)], [MASK])


def test_shapes_that_differ_are_both_named():
    with pytest.raises(ValueError, match=r'\(6, 7\) and the mask \(7, 6\)'):
        evaluate_masks([GOOD], [MASK.T])


def test_one_image_instead_of_a_list():
    with pytest.raises(ValueError, match=r'got shape \(7,\); pass a list'):
        evaluate_masks(GOOD, MASK)


@pytest.mark.parametrize(
    ('shape', 'message'),
    [
        ((0, 5), r'prediction has shape \(6, 7\) and the mask \(0, 5\)'),
        ((1, 6, 7), r'the mask must be one \(H, W\) .* \(1, 6, 7\)'),
        ((), r'the mask must be one \(H, W\) map, got shape \(\)'),
    ],
)
def test_wrong_dimensions(shape, message):
    with pytest.raises(ValueError, match='must be one non-empty'):
        evaluate_masks([np.zeros(shape)], [MASK])
    with pytest.raises(ValueError, match=message):
        evaluate_masks([GOOD], [np.zeros(shape)])


@pytest.mark.parametrize(
    ('values', 'shown'),
    [
        ([0, 128], r'\{0, 128\}.*mask > 64 '),
        ([0, 1, 255], r'\{0, 1, 255\}'),
        ([0, -1], r'\{-1, 0\}'),
        ([0, 0.5, 1], r'\{0\.0, 0\.5, 1\.0\}'),
        (range(20), r'\{0, 1, 2, 3, 4, 5, 6, 7, \.\.\. \(20 values\)\}'),
    ],
)
def test_mask_values_are_named(values, shown):
    mask = np.resize(np.array(values), (6, 7))
    with pytest.raises(ValueError, match=f'image 0: .*{shown}'):
        evaluate_masks([GOOD], [mask])


def test_mask_with_nan():
    with pytest.raises(ValueError, match='nan'):
        evaluate_masks([GOOD], [np.full((6, 7), np.nan)])


@pytest.mark.parametrize('function', [evaluate_masks, evaluate_curves])
def test_no_image(function):
    with pytest.raises(ValueError, match='there is no image'):
        function([], [])


def test_lists_of_different_length():
    with pytest.raises(ValueError, match='only 1 masks'):
        evaluate_masks([GOOD, GOOD], [MASK])
    with pytest.raises(ValueError, match='only 2 predictions'):
        evaluate_masks([GOOD, GOOD], (MASK for _ in range(3)))


@pytest.mark.parametrize(
    ('arguments', 'error', 'message'),
    [
        (dict(thresholds=0), ValueError, 'from 1 .* got 0'),
        (dict(thresholds=[]), ValueError, 'non-empty'),
        (dict(thresholds=[0.2, 1.2]), ValueError, r'in \[0, 1\].*1\.2'),
        (dict(thresholds=[0.5, 0.2]), ValueError, 'ascend'),
        (dict(thresholds=[0.5, 0.5]), ValueError, 'ascend'),
        (dict(thresholds=0.5), TypeError, 'int .*list'),
        (dict(thresholds=True), TypeError, 'int .*list'),
        (dict(thresholds=[np.nan]), ValueError, r'\[0, 1\]'),
        (dict(threshold=2), ValueError, r'\[0, 1\]'),
        (dict(tolerances=[0]), ValueError, 'positive distances'),
        (dict(tolerances=[np.nan]), ValueError, 'positive distances'),
        (dict(radius=-1), ValueError, 'positive distances'),
        (dict(match='nearest'), ValueError, "'greedy', 'hungarian'"),
        (dict(empty='none'), ValueError, "'one', 'zero', 'skip'"),
        (dict(connectivity=6), ValueError, r'=6: give one of \[4, 8\]'),
    ],
)
def test_options_outside_their_range(arguments, error, message):
    with pytest.raises(error, match=message):
        evaluate_masks([GOOD], [MASK], **arguments)
