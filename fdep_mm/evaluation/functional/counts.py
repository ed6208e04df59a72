"""One image -> one small record of integers; records add up to a data set."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fdep_mm.core.choices import check_choice
from fdep_mm.core.components import (
    STRUCTURES,
    mask_components,
    sweep_components,
)
from fdep_mm.core.matching import MATCHERS, close_pairs

from .inputs import check_pair, check_thresholds

# IoU of an image without target and without foreground.
EMPTY_VALUES = {'one': 1.0, 'zero': 0.0, 'skip': math.nan}
# Pd and F1 of a set without target; with 'nan' IoU and nIoU, too.
NO_TARGET_VALUES = {'nan': math.nan, 'zero': 0.0}
FALSE_ALARMS = ('all', 'other-area')


class EvalProtocol:
    """The rules that scores depend on.

    A pixel is foreground if ``prob > threshold`` (strictly, in float32, as
    mmseg binarizes).

    Args:
        thresholds (int | Sequence[float]): Of the sweep, ascending in [0, 1];
            an int n stands for k / (n + 1), k = 1..n. Defaults to 19: 0.05,
            0.10, ..., 0.95.
        tolerances (Sequence[float]): Centroid distances d in px for F1; a
            detection matches if its distance is <= d. Without any, HSE is NaN.
        threshold (float): Where IoU, nIoU, Pd and Fa are read.
        radius (float): Of Pd and Fa in px; a detection hits a target if the
            distance of their centroids is < radius.
        match (str): 'greedy' (the field's rule) or 'hungarian', see
            :mod:`fdep_mm.core.matching`.
        connectivity (int): Of targets and detections, 8 or 4.
        empty (str): IoU of an image without target and without foreground:
            'one', 'zero' (as in older toolkits) or 'skip' (it does not count
            in nIoU).
        no_target (str): Pd and F1 of a set without target: 'nan', with a
            warning, and so are IoU and nIoU; or 'zero', and IoU and nIoU
            follow from `empty`.
        false_alarms (str): Pixels that count in Fa: of 'all' detections that
            hit nothing, or of those with an area that no hit of the image
            has, 'other-area', as DNA-Net's code does and many copies of it.

    Attributes:
        sweep (np.ndarray): (S,) float64, the thresholds of the sweep.
        grid (np.ndarray): (T,) float32, the sweep and `threshold` together.
        in_sweep (np.ndarray): (T,) bool, which of the grid belong to it.
        main (int): Index of `threshold` in the grid.

    Raises:
        TypeError: `thresholds` is neither an int nor a list of numbers.
        ValueError: An argument is outside its range.
    """

    def __init__(
        self,
        thresholds: int | Sequence[float] = 19,
        tolerances: Sequence[float] = (1, 2, 3, 4, 5),
        threshold: float = 0.5,
        radius: float = 3.0,
        match: str = 'greedy',
        connectivity: int = 8,
        empty: str = 'one',
        no_target: str = 'nan',
        false_alarms: str = 'all',
    ) -> None:
        check_choice('match', match, MATCHERS)
        check_choice('connectivity', connectivity, STRUCTURES)
        check_choice('empty', empty, EMPTY_VALUES)
        check_choice('no_target', no_target, NO_TARGET_VALUES)
        check_choice('false_alarms', false_alarms, FALSE_ALARMS)
        if not all(distance > 0 for distance in (radius, *tolerances)):
            raise ValueError(
                'radius and tolerances must be positive distances in px, got '
                f'radius={radius}, tolerances={tuple(tolerances)}'
            )
        self.sweep = check_thresholds(thresholds)
        self.tolerances = tuple(tolerances)
        self.threshold = float(check_thresholds([threshold])[0])
        self.radius = radius
        self.match = match
        self.connectivity = connectivity
        self.empty = empty
        self.no_target = no_target
        self.false_alarms = false_alarms
        sweep = self.sweep.astype(np.float32)
        self.grid = np.union1d(sweep, np.float32(threshold))
        self.in_sweep = np.isin(self.grid, sweep)
        self.main = int(np.searchsorted(self.grid, np.float32(threshold)))

    def settings(self) -> dict[str, float | int | str]:
        """The single-valued rules, to be stored beside numbers."""
        keys = ('threshold', 'radius', 'match', 'connectivity', 'empty')
        more = ('no_target', 'false_alarms')
        return {key: getattr(self, key) for key in (*keys, *more)}


class Counts(NamedTuple):
    """Counts of one image, or of N images with a leading dimension.

    T thresholds (the protocol's grid), D tolerances.
    """

    pixels: np.ndarray  # () of the image
    targets: np.ndarray  # ()
    target_pixels: np.ndarray  # ()
    inter: np.ndarray  # (T,) pixels predicted and true
    union: np.ndarray  # (T,) pixels predicted or true
    detections: np.ndarray  # (T,)
    hits: np.ndarray  # (T,) targets hit within the radius
    false_pixels: np.ndarray  # (T,) of detections that hit nothing
    matches: np.ndarray  # (D, T) targets matched within each tolerance


def count_image(
    prob: np.ndarray, mask: np.ndarray, protocol: EvalProtocol, name: str
) -> np.ndarray:
    """Count one image for all thresholds and tolerances at once.

    See :func:`.inputs.check_pair` for `prob`, `mask` and `name`. Gives
    (3 + T * (5 + D),) int64, see :func:`unpack`.
    """
    prob, mask = check_pair(prob, mask, name)
    num = len(protocol.grid)
    index, level = digitize(prob, protocol.grid)
    predicted = count_above(level, num)
    inter = count_above(level[mask.ravel()[index]], num)
    target_pixels = np.count_nonzero(mask)
    targets = mask_components(mask, protocol.connectivity)
    detections = sweep_components(
        index, level, num, mask.shape, protocol.connectivity
    )
    furthest = max(protocol.radius, *protocol.tolerances, 0)
    pairs = close_pairs(targets, detections, furthest)
    match, distance = MATCHERS[protocol.match], pairs['distance']
    hits = match(pairs[distance < protocol.radius])
    harmless = np.isin(np.arange(len(detections.area)), hits['detection'])
    if protocol.false_alarms == 'other-area':
        sizes = np.column_stack([detections.layer, detections.area])
        _, kind = np.unique(sizes, axis=0, return_inverse=True)
        harmless = np.isin(kind, kind[harmless])
    matches = [match(pairs[distance <= d]) for d in protocol.tolerances]
    counts = Counts(
        pixels=mask.size,
        targets=len(targets.area),
        target_pixels=target_pixels,
        inter=inter,
        union=predicted + target_pixels - inter,
        detections=np.bincount(detections.layer, minlength=num),
        hits=np.bincount(hits['layer'], minlength=num),
        false_pixels=np.bincount(
            detections.layer, detections.area * ~harmless, num
        ),
        matches=[np.bincount(m['layer'], minlength=num) for m in matches],
    )
    # areas are whole numbers held as floats
    return np.hstack([*map(np.ravel, counts)]).astype(np.int64)


def digitize(
    prob: np.ndarray, thresholds: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Flat positions and levels of the pixels above the lowest threshold.

    The level is the number of thresholds that a pixel exceeds, 1..T. A usual
    prediction has few such pixels, so all that follows is fast.
    """
    flat = prob.ravel()
    index = np.flatnonzero(flat > thresholds[0])
    return index, np.searchsorted(thresholds, flat[index], side='left')


def count_above(level: np.ndarray, num_thresholds: int) -> np.ndarray:
    """(T,) number of pixels that are foreground at each threshold."""
    histogram = np.bincount(level, minlength=num_thresholds + 1)
    return histogram[::-1].cumsum()[::-1][1:]


def unpack(records: Sequence[np.ndarray], protocol: EvalProtocol) -> Counts:
    """Counts, with a leading dimension N, of N records of one protocol."""
    if not len(records):
        raise ValueError(
            'there is no image to evaluate; check that the data set or folder '
            'is not empty'
        )
    table = np.stack(records)
    rows = table[:, 3:].reshape(len(table), -1, len(protocol.grid))
    return Counts(*table[:, :3].T, *rows[:, :5].swapaxes(0, 1), rows[:, 5:])
