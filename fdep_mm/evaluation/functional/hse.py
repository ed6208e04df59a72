"""Holistic SIRST Evaluation (HSE), and the field's usual numbers.

HSE is named by *Rethinking Infrared Small Target Detection: A
Foundation-Driven Efficient Paradigm* (arXiv 2512.05511), whose abstract asks
for a "multi-threshold integral evaluation at both pixel-level confidence and
target-level robustness". The formula is not public. What follows is **our
reading of the abstract**, to be checked again when the authors publish
theirs:

* ``HSE_P``: integral over the thresholds of ``(IoU + nIoU) / 2``.
* ``F1(theta, d) = 2 * matches / (targets + detections)``, detections matched
  to targets one to one within a centroid distance of d px (``<= d``).
* ``HSE_T``: mean over d of the integral of ``F1`` over the thresholds.
* ``HSE = (HSE_P + HSE_T) / 2``.

Integrals are trapezoidal and divided by the range of the thresholds, so that
a constant keeps its value; a single threshold gives the value there.
"""

import math
import warnings
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import NamedTuple

import numpy as np
from scipy.integrate import trapezoid

from .counts import (
    EMPTY_VALUES,
    NO_TARGET_VALUES,
    Counts,
    EvalProtocol,
    count_image,
    unpack,
)


class Evaluation(NamedTuple):
    """What was measured on a data set."""

    scores: dict[str, float]  # see evaluate_masks
    curves: dict[str, np.ndarray]  # see evaluate_curves


def reduce_records(
    records: Sequence[np.ndarray], protocol: EvalProtocol
) -> Evaluation:
    """Turn the records of all images, in any order, into scores and curves."""
    curves = _curves(unpack(records, protocol), protocol)
    scores = {
        key: float(curves[key][protocol.main])
        for key in ('IoU', 'nIoU', 'Pd', 'Fa')
    }
    curves = {
        key: value[..., protocol.in_sweep] for key, value in curves.items()
    }
    pixel = (curves['IoU'] + curves['nIoU']) / 2
    hse_p = _integral(pixel, protocol.sweep)
    hse_t = math.nan
    if protocol.tolerances:
        hse_t = _integral(curves['F1'].mean(axis=0), protocol.sweep)
    scores.update(HSE=(hse_p + hse_t) / 2, HSE_P=hse_p, HSE_T=hse_t)
    axes = dict(
        thresholds=protocol.sweep, tolerances=np.array(protocol.tolerances)
    )
    return Evaluation(scores, {**axes, **curves})


def _curves(counts: Counts, protocol: EvalProtocol) -> dict[str, np.ndarray]:
    """All curves over the protocol's grid."""
    empty = EMPTY_VALUES[protocol.empty]
    no_target = NO_TARGET_VALUES[protocol.no_target]
    total = Counts(*(column.sum(axis=0) for column in counts))
    iou = _ratio(total.inter, total.union, empty)
    niou = _mean(_ratio(counts.inter, counts.union, empty))
    if total.targets == 0 and protocol.no_target == 'nan':
        warnings.warn(
            f'none of the {len(counts.targets)} images holds a target: all '
            'scores but Fa are undefined (NaN); check the masks',
            UserWarning,
            stacklevel=4,
        )
        # a network that finds nothing would be perfect
        iou = niou = np.full_like(iou, math.nan)
    # without targets, F1 is undefined even where there are detections
    pairs = (total.targets + total.detections) * (total.targets > 0)
    return dict(
        IoU=iou,
        nIoU=niou,
        Pd=_ratio(total.hits, total.targets, no_target),
        Fa=total.false_pixels / total.pixels,
        TPR=_ratio(total.inter, total.target_pixels),
        FPR=_ratio(
            total.union - total.target_pixels,
            total.pixels - total.target_pixels,
        ),
        F1=_ratio(2 * total.matches, pairs, no_target),
    )


def _ratio(
    num: np.ndarray, den: np.ndarray, default: float = math.nan
) -> np.ndarray:
    """num / den, and `default` where den is 0."""
    num, den = np.broadcast_arrays(num, den)
    out = np.full(num.shape, default, dtype=np.float64)
    return np.divide(num, den, out=out, where=den > 0)


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean over images, without NaN; exact, so their order does not matter."""
    means = []
    for column in values.T:
        column = column[~np.isnan(column)]
        means.append(math.fsum(column) / len(column) if len(column) else None)
    return np.array(means, dtype=np.float64)


def _integral(values: np.ndarray, thresholds: np.ndarray) -> float:
    if len(thresholds) == 1:
        return float(values[0])
    # not the range itself: rounding must not lift a constant 1 above 1
    unit = trapezoid(np.ones_like(thresholds), thresholds)
    return float(trapezoid(values, thresholds) / unit)


def evaluate_masks(
    probs: Iterable[np.ndarray],
    masks: Iterable[np.ndarray],
    thresholds: int | Sequence[float] = 19,
    tolerances: Sequence[float] = (1, 2, 3, 4, 5),
    names: Sequence[str] | None = None,
    **rules: float | str,
) -> dict[str, float]:
    """Score predictions against masks: HSE and the field's four numbers.

    IoU is of the foreground over the whole set, nIoU the mean of per-image
    IoU (neither is mmseg's mIoU). Pd = hit targets / targets and Fa = pixels
    of detections that hit nothing / all pixels. HSE is our reading of its
    paper's abstract, see :mod:`fdep_mm.evaluation.functional.hse`.

    Args:
        probs (Iterable[np.ndarray]): One (H, W) array of probabilities in
            [0, 1] per image, floating point or bool; sizes may differ.
        masks (Iterable[np.ndarray]): One (H, W) array per image, bool,
            {0, 1} or {0, 255}.
        names (Sequence[str], optional): What error messages call the images.
            Defaults to None: 'image 0', 'image 1', ...
        thresholds, tolerances, **rules: See :class:`.EvalProtocol`.

    Returns:
        dict[str, float]: IoU, nIoU, Pd, Fa, HSE, HSE_P, HSE_T, fractions in
        [0, 1]. Without any target in the set all but Fa are NaN, with a
        warning.

    Raises:
        TypeError: A prediction is neither floating point nor bool.
        ValueError: There is no image, values are outside their range, shapes
            or numbers of images differ, or a rule is unknown.

    Example:
        >>> mask = np.zeros((64, 64), bool)
        >>> mask[30:33, 30:33] = True
        >>> evaluate_masks([mask], [mask])['HSE']
        1.0
    """
    protocol = EvalProtocol(thresholds, tolerances, **rules)
    return _evaluate(probs, masks, protocol, names).scores


def evaluate_curves(
    probs: Iterable[np.ndarray],
    masks: Iterable[np.ndarray],
    thresholds: int | Sequence[float] = 19,
    tolerances: Sequence[float] = (1, 2, 3, 4, 5),
    names: Sequence[str] | None = None,
    **rules: float | str,
) -> dict[str, np.ndarray]:
    """Curves over the thresholds: those that HSE integrates, Pd, Fa and ROC.

    Takes what :func:`evaluate_masks` takes. TPR and FPR are of pixels: the
    shares of the targets' and of the background's pixels that are predicted.

    Returns:
        dict[str, np.ndarray]: thresholds (S,), tolerances (D,), IoU, nIoU,
        Pd, Fa, TPR, FPR (S,) and F1 (D, S), fractions in [0, 1] or NaN.
    """
    protocol = EvalProtocol(thresholds, tolerances, **rules)
    return _evaluate(probs, masks, protocol, names).curves


def _evaluate(
    probs: Iterable[np.ndarray],
    masks: Iterable[np.ndarray],
    protocol: EvalProtocol,
    names: Sequence[str] | None,
) -> Evaluation:
    records = []
    for i, (prob, mask) in enumerate(zip_longest(probs, masks)):
        if prob is None or mask is None:
            short = 'predictions' if prob is None else 'masks'
            raise ValueError(
                f'there are only {i} {short}; pass one prediction and one '
                'mask per image, in the same order'
            )
        name = f'image {i}' if names is None else names[i]
        records.append(count_image(prob, mask, protocol, name))
    return reduce_records(records, protocol)
