"""Checks of what a user hands to the evaluation; every error says what to do.

Probabilities are compared in float32, the precision in which networks predict
and in which mmseg compares: a float64 0.15 and a float32 0.15 are the same
threshold.
"""

from collections.abc import Sequence

import numpy as np

from fdep_mm.core.masks import check_binary

WAY_OUT = (
    'Binarize it first, for instance mask > {} (255 beside 0 and 1 is the '
    'padding label of mmseg: evaluate at the original size)'
)


def check_thresholds(thresholds: int | Sequence[float]) -> np.ndarray:
    """(T,) float64 thresholds, see :class:`.counts.EvalProtocol`."""
    problem = (
        'thresholds must be an int from 1 (19 gives 0.05, 0.10, ..., 0.95) or '
        'a non-empty list of numbers in [0, 1] that ascend without repeats, '
        f'got {thresholds!r}'
    )
    integer = isinstance(thresholds, (int, np.integer))
    if integer and not isinstance(thresholds, bool):
        if thresholds < 1:
            raise ValueError(problem)
        return np.arange(1, thresholds + 1) / (thresholds + 1)
    if np.ndim(thresholds) != 1:
        raise TypeError(problem)
    values = np.asarray(thresholds, dtype=np.float64)
    inside = (values >= 0) & (values <= 1)
    ascends = np.diff(values.astype(np.float32)) > 0
    if not (len(values) and inside.all() and ascends.all()):
        raise ValueError(problem)
    return values


def check_pair(
    prob: np.ndarray, mask: np.ndarray, name: str
) -> tuple[np.ndarray, np.ndarray]:
    """Check a prediction, its mask, and that their shapes agree.

    Args:
        prob (np.ndarray): (H, W), floating point in [0, 1], or bool.
        mask (np.ndarray): (H, W) bool, {0, 1} or {0, 255}.
        name (str): What error messages call the image.

    Returns:
        tuple[np.ndarray, np.ndarray]: (H, W) float32 and (H, W) bool.
    """
    prob, mask = _check_prob(np.asarray(prob), name), np.asarray(mask)
    if mask.ndim != 2:
        raise ValueError(
            f'{name}: the mask must be one (H, W) map, got shape {mask.shape}'
        )
    check_binary(mask, name, WAY_OUT)
    if prob.shape != mask.shape:
        raise ValueError(
            f'{name}: the prediction has shape {prob.shape} and the mask '
            f'{mask.shape}; resize or crop the prediction back to the size '
            'of the mask'
        )
    return prob, mask != 0


def _check_prob(prob: np.ndarray, name: str) -> np.ndarray:
    if prob.ndim != 2 or not prob.size:
        raise ValueError(
            f'{name}: the prediction must be one non-empty (H, W) map, got '
            f'shape {prob.shape}; pass a list of (H, W) arrays, one per image'
        )
    if prob.dtype != bool and not np.issubdtype(prob.dtype, np.floating):
        raise TypeError(
            f'{name}: the prediction must be floating point, got dtype '
            f'{prob.dtype}; divide it by its full scale (uint8: prob / 255.), '
            'or pass prob > 0 if it is a mask'
        )
    prob = prob.astype(np.float32, copy=False)
    low, high = prob.min(), prob.max()
    if not np.isfinite(low + high):
        bad = np.count_nonzero(~np.isfinite(prob))
        raise ValueError(
            f'{name}: the prediction holds NaN or infinity in {bad} of '
            f'{prob.size} pixels; the network has diverged'
        )
    if low < 0 or high > 1:
        raise ValueError(
            f'{name}: the prediction must be in [0, 1], got values from '
            f'{low:.6g} to {high:.6g}; apply a sigmoid to logits, or divide '
            'gray values by their full scale'
        )
    return prob
