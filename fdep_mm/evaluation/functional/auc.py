"""Areas under the pixel ROC and under Pd over Fa, from points on the curves.

Between two thresholds both curves are straight: a detector that takes one of
the two at random, image by image, works there on average. The threshold 1,
at which nothing is found, is always possible, so both start at the origin.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import trapezoid


def roc_points(
    fpr: ArrayLike, tpr: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
    """(S + 2,) FPR and TPR, ascending from (0, 0) to (1, 1)."""
    x, y = _sorted(fpr, tpr, 'fpr and tpr')
    return np.r_[0, x, 1], np.r_[0, y, 1]


def roc_auc(fpr: ArrayLike, tpr: ArrayLike) -> float:
    """Area under the pixel ROC curve: integral of TPR dFPR over [0, 1].

    By the trapezoidal rule over the given points, (0, 0) and (1, 1). Below
    the lowest threshold the curve is a straight line to (1, 1), so few
    thresholds give less than many: compare at equal thresholds. Background
    pixels being so many, it is near 1 for every useful detector.

    Args:
        fpr, tpr (ArrayLike): (S,) false and true positive rates of the pixels
            in [0, 1] at the same thresholds, in any order.

    Returns:
        float: In [0, 1], or NaN if a rate is NaN (no target in the set).
    """
    x, y = roc_points(fpr, tpr)
    return float(trapezoid(y, x))


def pd_fa_points(
    fa: ArrayLike, pd: ArrayLike, limit: float
) -> tuple[np.ndarray, np.ndarray]:
    """Fa from 0 to a limit, and the best Pd at each Fa or less.

    Pd is not monotonic in Fa: two detections that grow into one can lose a
    target. Beyond the largest Fa that was measured, Pd stays.
    """
    if not limit > 0:
        raise ValueError(
            f'limit must be an Fa above 0, such as 1e-4 (100 false pixels in '
            f'a million), got {limit!r}'
        )
    x, y = _sorted(fa, pd, 'fa and pd')
    x, y = np.r_[0, x], np.maximum.accumulate(np.r_[0, y])
    inside = x <= limit
    return np.r_[x[inside], limit], np.r_[y[inside], np.interp(limit, x, y)]


def pd_fa_auc(fa: ArrayLike, pd: ArrayLike, limit: float = 1e-4) -> float:
    """Mean Pd over all Fa up to a limit: 1 / limit * integral of Pd dFa.

    By the trapezoidal rule over the points of :func:`pd_fa_points`. A
    detector that finds all targets without a false pixel has 1.

    Args:
        fa (ArrayLike): (S,) false pixels / pixels at S thresholds, in any
            order.
        pd (ArrayLike): (S,) hit targets / targets.
        limit (float): Largest Fa that counts, above 0.

    Returns:
        float: In [0, 1], or NaN if a Pd is NaN (no target in the set).
    """
    x, y = pd_fa_points(fa, pd, limit)
    return float(trapezoid(y, x) / limit)


def _sorted(x: ArrayLike, y: ArrayLike, names: str) -> np.ndarray:
    points = np.stack([np.asarray(x, float), np.asarray(y, float)])
    if points.ndim != 2 or not points.size:
        raise ValueError(
            f'{names} must be two non-empty (S,) arrays, got shape '
            f'{points.shape[1:]}'
        )
    return points[:, np.lexsort(points[::-1])]
