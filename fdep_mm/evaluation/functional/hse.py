"""Holistic SIRST Evaluation (HSE) and the field's numbers beside it.

HSE is named by *Rethinking Infrared Small Target Detection: A
Foundation-Driven Efficient Paradigm* (arXiv 2512.05511), whose abstract asks
for a "multi-threshold integral evaluation at both pixel-level confidence and
target-level robustness". The formula is not public. What follows is **our
reading of the abstract**, to be re-checked when the authors publish theirs:

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
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest

import numpy as np
from scipy.integrate import trapezoid

from .counts import Counts, EvalProtocol, count_image, unpack

# What IoU is of a picture that is empty in truth and in prediction.
EMPTY_VALUES = {'one': 1.0, 'zero': 0.0, 'skip': math.nan}


def check_empty(empty: str) -> str:
    """Check the option that rules images without target and detection.

    Args:
        empty (str): 'one', 'zero' or 'skip'.

    Returns:
        str: The same.

    Raises:
        ValueError: If it is none of these.
    """
    if empty not in EMPTY_VALUES:
        raise ValueError(
            f'empty must be one of {list(EMPTY_VALUES)}, got {empty!r}'
        )
    return empty


def _ratio(num: np.ndarray, den: np.ndarray, default: float) -> np.ndarray:
    num, den = np.broadcast_arrays(num, den)
    out = np.full(num.shape, default, dtype=np.float64)
    return np.divide(num, den, out=out, where=den > 0)


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean over images without NaN; exact, so the order does not matter."""
    means = []
    for column in values.T:
        column = column[~np.isnan(column)]
        means.append(math.fsum(column) / len(column) if len(column) else None)
    return np.array(means, dtype=np.float64)


def _integral(values: np.ndarray, thresholds: np.ndarray) -> float:
    if len(thresholds) == 1:
        return float(values[0])
    # Not the range itself: rounding must not lift a constant 1 above 1.
    unit = trapezoid(np.ones_like(thresholds), thresholds)
    return float(trapezoid(values, thresholds) / unit)


def _curves(counts: Counts, empty: str) -> dict[str, np.ndarray]:
    """All curves over the protocol's grid."""
    total = Counts(*(column.sum(axis=0) for column in counts))
    fill = EMPTY_VALUES[check_empty(empty)]
    if total.targets == 0:
        warnings.warn(
            f'none of the {len(counts.targets)} images holds a target: Pd, '
            'F1, HSE_T and HSE are undefined (NaN); check the masks',
            UserWarning,
            stacklevel=4,
        )
        f1 = np.full(total.matches.shape, math.nan)
    else:
        f1 = 2 * total.matches / (total.targets + total.detections)
    return dict(
        IoU=_ratio(total.inter, total.union, fill),
        nIoU=_mean(_ratio(counts.inter, counts.union, fill)),
        Pd=_ratio(total.hits, total.targets, math.nan),
        Fa=total.false_pixels / total.pixels,
        TPR=_ratio(total.inter, total.target_pixels, math.nan),
        FPR=_ratio(
            total.union - total.target_pixels,
            total.pixels - total.target_pixels,
            math.nan,
        ),
        F1=f1,
    )


def summarise(
    records: Sequence[np.ndarray], protocol: EvalProtocol, empty: str = 'one'
) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Turn records of counts into scores and curves.

    Args:
        records (Sequence[np.ndarray]): Of :func:`.counts.count_image`, one
            per image, in any order.
        protocol (EvalProtocol): The one they were counted with.
        empty (str): See :func:`evaluate_masks`.

    Returns:
        tuple[dict, dict]: See :func:`evaluate_masks` and
        :func:`evaluate_curves`.

    Raises:
        ValueError: If there is no record or `empty` is unknown.
    """
    curves = _curves(unpack(records, protocol), empty)
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
    return scores, {**axes, **curves}


def _records(
    probs: Iterable[np.ndarray],
    masks: Iterable[np.ndarray],
    protocol: EvalProtocol,
    names: Sequence[str] | None,
) -> Iterator[np.ndarray]:
    missing = object()
    for i, (prob, mask) in enumerate(
        zip_longest(probs, masks, fillvalue=missing)
    ):
        if prob is missing or mask is missing:
            short = 'predictions' if prob is missing else 'masks'
            raise ValueError(
                f'there are only {i} {short}; pass one prediction and one '
                'mask per image, in the same order'
            )
        name = f'image {i}' if names is None else names[i]
        yield count_image(prob, mask, protocol, name)


def evaluate_masks(
    probs: Iterable[np.ndarray],
    masks: Iterable[np.ndarray],
    thresholds: int | Sequence[float] = 19,
    tolerances: Sequence[float] = (1, 2, 3, 4, 5),
    threshold: float = 0.5,
    radius: float = 3.0,
    match: str = 'greedy',
    connectivity: int = 8,
    empty: str = 'one',
    names: Sequence[str] | None = None,
) -> dict[str, float]:
    """Score predictions against masks: HSE and the field's four numbers.

    A pixel is foreground if ``prob > threshold`` (strictly, in float32). IoU
    is of the foreground over the whole set, nIoU the mean of per-image IoU
    (neither is mmseg's mIoU). Pd = hit targets / targets and Fa = pixels of
    detections that hit nothing / all pixels, where a detection hits at a
    centroid distance ``< radius``. HSE: see :mod:`fdep_mm.evaluation.
    functional.hse`; it is our reading of the paper's abstract.

    Args:
        probs (Iterable[np.ndarray]): One (H, W) array of probabilities in
            [0, 1] per image, floating point or bool; sizes may differ.
        masks (Iterable[np.ndarray]): One (H, W) array per image, bool,
            {0, 1} or {0, 255}.
        thresholds (int | Sequence[float]): For the integrals; an int n gives
            k / (n + 1), k = 1..n. Defaults to 19: 0.05, 0.10, ..., 0.95.
        tolerances (Sequence[float]): Centroid distances d in px for F1 (a
            match is ``<= d``).
        threshold (float): Where IoU, nIoU, Pd and Fa are read.
        radius (float): Of Pd and Fa, in px.
        match (str): 'greedy' (the field's rule) or 'hungarian'.
        connectivity (int): Of targets and detections, 8 or 4.
        empty (str): IoU of an image without target and without foreground:
            'one', 'zero' (as older toolkits have it) or 'skip' (left out of
            nIoU). The same value stands for the IoU of a set that is empty
            throughout, NaN with 'skip'.
        names (Sequence[str], optional): What error messages call the images.
            Defaults to None: 'image 0', 'image 1', ...

    Returns:
        dict[str, float]: IoU, nIoU, Pd, Fa, HSE, HSE_P, HSE_T, fractions in
        [0, 1]. Without any target in the set Pd, HSE_T and HSE are NaN, with
        a warning.

    Raises:
        TypeError: If a prediction is not floating point or bool.
        ValueError: If there is no image, a prediction holds NaN, infinity or
            values outside [0, 1], a mask holds other values, shapes or
            numbers of images differ, or an option is unknown.

    Example:
        >>> mask = np.zeros((64, 64), bool)
        >>> mask[30:33, 30:33] = True
        >>> evaluate_masks([mask], [mask])['HSE']
        1.0
    """
    protocol = EvalProtocol(
        thresholds, tolerances, threshold, radius, match, connectivity
    )
    records = list(_records(probs, masks, protocol, names))
    return summarise(records, protocol, empty)[0]


def evaluate_curves(
    probs: Iterable[np.ndarray],
    masks: Iterable[np.ndarray],
    thresholds: int | Sequence[float] = 19,
    tolerances: Sequence[float] = (1, 2, 3, 4, 5),
    radius: float = 3.0,
    match: str = 'greedy',
    connectivity: int = 8,
    empty: str = 'one',
    names: Sequence[str] | None = None,
) -> dict[str, np.ndarray]:
    """Curves over the thresholds: those that HSE integrates, Pd, Fa and ROC.

    TPR and FPR are of pixels: the shares of the targets' and of the
    background's pixels that are predicted.

    Args:
        probs (Iterable[np.ndarray]): See :func:`evaluate_masks`, as for all
            arguments.
        masks (Iterable[np.ndarray]): (H, W) each.
        thresholds (int | Sequence[float]): S thresholds.
        tolerances (Sequence[float]): D distances in px.
        radius (float): Of Pd and Fa, in px.
        match (str): 'greedy' or 'hungarian'.
        connectivity (int): 8 or 4.
        empty (str): 'one', 'zero' or 'skip'.
        names (Sequence[str], optional): What error messages call the images.

    Returns:
        dict[str, np.ndarray]: thresholds (S,), tolerances (D,), IoU, nIoU,
        Pd, Fa, TPR, FPR (S,) and F1 (D, S), fractions in [0, 1] or NaN.

    Raises:
        TypeError: As :func:`evaluate_masks`.
        ValueError: As :func:`evaluate_masks`.
    """
    protocol = EvalProtocol(
        thresholds,
        tolerances,
        radius=radius,
        match=match,
        connectivity=connectivity,
    )
    records = list(_records(probs, masks, protocol, names))
    return summarise(records, protocol, empty)[1]
