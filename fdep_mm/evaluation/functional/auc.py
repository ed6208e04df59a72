"""Areas under the pixel ROC and under Pd over Fa, from points on the curves.

Between two thresholds both curves are straight: a detector that takes one of
the two at random, image by image, works there on average. The threshold 1,
which finds nothing, is always to be had, so both start at the origin.
"""

import numpy as np
from scipy.integrate import trapezoid


def _checked(x: np.ndarray, y: np.ndarray, names: str) -> np.ndarray:
    points = np.stack([np.asarray(x, float), np.asarray(y, float)])
    if points.ndim != 2 or not points.size:
        raise ValueError(
            f'{names} must be two non-empty (S,) arrays, got shape '
            f'{points.shape[1:]}'
        )
    return points


def roc_points(
    fpr: np.ndarray, tpr: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Order the points of a ROC curve and add its two ends.

    Args:
        fpr (np.ndarray): (S,) false positive rates in [0, 1], any order.
        tpr (np.ndarray): (S,) true positive rates at the same thresholds.

    Returns:
        tuple[np.ndarray, np.ndarray]: FPR and TPR, (S + 2,) each, from (0, 0)
        to (1, 1), ascending in both.

    Raises:
        ValueError: If they are empty or of different lengths.
    """
    x, y = _checked(fpr, tpr, 'fpr and tpr')
    order = np.lexsort((y, x))
    return np.r_[0, x[order], 1], np.r_[0, y[order], 1]


def roc_auc(fpr: np.ndarray, tpr: np.ndarray) -> float:
    """Area under the pixel ROC curve.

    ``AUC = integral of TPR dFPR over [0, 1]``, by the trapezoidal rule over
    the given points, (0, 0) and (1, 1). Below the lowest threshold the curve
    is a straight line to (1, 1), so few thresholds give less than many:
    compare at equal thresholds. Background pixels being so many, it is near 1
    for every useful detector.

    Args:
        fpr (np.ndarray): (S,) false positive rates of the pixels in [0, 1].
        tpr (np.ndarray): (S,) true positive rates of the pixels in [0, 1].

    Returns:
        float: In [0, 1], or NaN if a rate is NaN (no target in the set).

    Raises:
        ValueError: If they are empty or of different lengths.

    Example:
        >>> roc_auc([0.0, 0.5], [0.5, 1.0])
        0.875
    """
    x, y = roc_points(fpr, tpr)
    return float(trapezoid(y, x))


def pd_fa_points(
    fa: np.ndarray, pd: np.ndarray, limit: float
) -> tuple[np.ndarray, np.ndarray]:
    """The best Pd that is to be had at every Fa up to a limit.

    Pd is not monotonic in Fa (two detections that grow into one can lose a
    target), so each point takes the best Pd at its Fa or less.

    Args:
        fa (np.ndarray): (S,) false pixels / pixels, any order.
        pd (np.ndarray): (S,) Pd at the same thresholds.
        limit (float): Largest Fa, above 0.

    Returns:
        tuple[np.ndarray, np.ndarray]: Fa ascending from 0 to `limit`, and Pd
        ascending from 0. Beyond the largest Fa that was measured Pd stays.

    Raises:
        ValueError: If they are empty or of different lengths, or `limit` is
            not above 0.
    """
    if not limit > 0:
        raise ValueError(
            f'limit must be an Fa above 0, such as 1e-4 (100 false pixels in '
            f'a million), got {limit!r}'
        )
    x, y = _checked(fa, pd, 'fa and pd')
    order = np.lexsort((y, x))
    x, y = np.r_[0, x[order]], np.maximum.accumulate(np.r_[0, y[order]])
    inside = x <= limit
    at_limit = np.interp(limit, x, y)
    return np.r_[x[inside], limit], np.r_[y[inside], at_limit]


def pd_fa_auc(fa: np.ndarray, pd: np.ndarray, limit: float = 1e-4) -> float:
    """Mean Pd over all false-alarm rates up to a limit.

    ``AUC = 1 / limit * integral of Pd dFa over [0, limit]``, by the
    trapezoidal rule over the points of :func:`pd_fa_points`. A detector that
    finds all targets without a false pixel has 1.

    Args:
        fa (np.ndarray): (S,) false pixels / pixels at S thresholds.
        pd (np.ndarray): (S,) hit targets / targets.
        limit (float): Largest Fa that counts.

    Returns:
        float: In [0, 1], or NaN if a Pd is NaN (no target in the set).

    Raises:
        ValueError: See :func:`pd_fa_points`.

    Example:
        >>> round(pd_fa_auc([1e-5, 5e-5], [0.5, 1.0]), 6)
        0.825
    """
    x, y = pd_fa_points(fa, pd, limit)
    return float(trapezoid(y, x) / limit)
