"""Pixel counts of one image at all thresholds in one pass."""

import numpy as np


def digitise(
    prob: np.ndarray, thresholds: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Count for each pixel the thresholds that it exceeds.

    A pixel is foreground at ``thresholds[k]`` if ``prob > thresholds[k]``
    (strictly, as mmseg binarises), that is if its level is above k. Pixels
    that exceed no threshold are left out: a usual prediction is empty there.

    Args:
        prob (np.ndarray): (H, W) float32 in [0, 1].
        thresholds (np.ndarray): (T,) float32, ascending.

    Returns:
        tuple[np.ndarray, np.ndarray]: ``index`` (P,), flat positions in
        raster order, and ``level`` (P,), integers in 1..T.
    """
    flat = prob.ravel()
    index = np.flatnonzero(flat > thresholds[0])
    return index, np.searchsorted(thresholds, flat[index], side='left')


def at_least(levels: np.ndarray, num_thresholds: int) -> np.ndarray:
    """Count the levels above each threshold.

    Args:
        levels (np.ndarray): (P,) integers in 0..T.

    Returns:
        np.ndarray: (T,) integers; entry k counts the levels above k.
    """
    histogram = np.bincount(levels, minlength=num_thresholds + 1)
    return histogram[::-1].cumsum()[::-1][1:]


def overlap_counts(
    index: np.ndarray,
    level: np.ndarray,
    mask: np.ndarray,
    num_thresholds: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Predicted, intersection and union pixels at every threshold.

    Args:
        index (np.ndarray): (P,) from :func:`digitise`.
        level (np.ndarray): (P,) from :func:`digitise`.
        mask (np.ndarray): (H, W) bool, the ground truth.

    Returns:
        tuple[np.ndarray, np.ndarray, np.ndarray]: predicted, intersection
        and union pixels, (T,) integers each.
    """
    predicted = at_least(level, num_thresholds)
    inter = at_least(level[mask.ravel()[index]], num_thresholds)
    return predicted, inter, predicted + np.count_nonzero(mask) - inter
