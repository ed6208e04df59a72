"""One image -> one small record of integers; records add up to a data set."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fdep_mm.core.components import (
    STRUCTURES,
    mask_components,
    sweep_components,
)
from fdep_mm.core.matching import MATCHERS, target_counts

from .inputs import check_pair, check_thresholds
from .pixel import digitise, overlap_counts


class EvalProtocol:
    """What is counted: thresholds, distances and the rules of matching.

    Args:
        thresholds (int | Sequence[float]): Thresholds of the sweep, see
            :func:`.inputs.check_thresholds`. Defaults to 19: 0.05 ... 0.95.
        tolerances (Sequence[float]): Centroid distances d in px for F1; a
            detection is within d if its distance is <= d. If empty, F1 is not
            counted and HSE is NaN.
        threshold (float): Where the single-threshold IoU, nIoU, Pd and Fa are
            read.
        radius (float): Pd and Fa: a detection hits a target if the distance
            of their centroids is < radius (strictly, the field's rule).
            Defaults to 3 px.
        match (str): 'greedy' or 'hungarian', see :mod:`.targets`.
        connectivity (int): 8 or 4.

    Attributes:
        sweep (np.ndarray): (S,) float64, the thresholds of the sweep.
        grid (np.ndarray): (T,) float32, the sweep and `threshold` together.
        in_sweep (np.ndarray): (T,) bool, which of the grid are of the sweep.
        main (int): Index of `threshold` in the grid.

    Raises:
        TypeError: See :func:`.inputs.check_thresholds`.
        ValueError: If an argument is outside its range.
    """

    def __init__(
        self,
        thresholds: int | Sequence[float] = 19,
        tolerances: Sequence[float] = (1, 2, 3, 4, 5),
        threshold: float = 0.5,
        radius: float = 3.0,
        match: str = 'greedy',
        connectivity: int = 8,
    ) -> None:
        if match not in MATCHERS:
            raise ValueError(
                f'match must be one of {sorted(MATCHERS)}, got {match!r}'
            )
        for distance in (radius, *tolerances):
            if not distance > 0:
                raise ValueError(
                    'radius and tolerances must be positive distances in px, '
                    f'got radius={radius}, tolerances={tuple(tolerances)}'
                )
        if connectivity not in STRUCTURES:
            raise ValueError(
                f'connectivity must be 4 or 8, got {connectivity!r}'
            )
        self.sweep = check_thresholds(thresholds)
        self.tolerances = tuple(tolerances)
        self.threshold = float(check_thresholds([threshold])[0])
        self.radius = radius
        self.match = match
        self.connectivity = connectivity
        sweep = self.sweep.astype(np.float32)
        self.grid = np.union1d(sweep, np.float32(threshold))
        self.in_sweep = np.isin(self.grid, sweep)
        self.main = int(np.searchsorted(self.grid, np.float32(threshold)))

    def settings(self) -> dict[str, float | int | str]:
        """The single-valued settings, to be stored beside numbers."""
        return dict(
            threshold=self.threshold,
            radius=self.radius,
            match=self.match,
            connectivity=self.connectivity,
        )


class Counts(NamedTuple):
    """Counts of one image, or of N images with a leading dimension.

    T thresholds (the protocol's grid), D tolerances.

    Attributes:
        inter (np.ndarray): (T,) pixels predicted and true.
        union (np.ndarray): (T,) pixels predicted or true.
        detections (np.ndarray): (T,) detections.
        hits (np.ndarray): (T,) targets hit within the radius.
        false_pixels (np.ndarray): (T,) pixels of detections that hit nothing.
    """

    pixels: np.ndarray
    targets: np.ndarray
    target_pixels: np.ndarray
    inter: np.ndarray
    union: np.ndarray
    detections: np.ndarray
    hits: np.ndarray
    false_pixels: np.ndarray
    matches: np.ndarray


def count_image(
    prob: np.ndarray, mask: np.ndarray, protocol: EvalProtocol, name: str
) -> np.ndarray:
    """Count one image for all thresholds and tolerances at once.

    Args:
        prob (np.ndarray): (H, W) floating point probabilities in [0, 1].
        mask (np.ndarray): (H, W) bool, {0, 1} or {0, 255}.
        protocol (EvalProtocol): What to count.
        name (str): What error messages call the image.

    Returns:
        np.ndarray: (3 + T * (5 + D),) int64, see :func:`unpack`.

    Raises:
        TypeError: See :func:`.inputs.check_pair`.
        ValueError: See :func:`.inputs.check_pair`.
    """
    prob, mask = check_pair(prob, mask, name)
    num = len(protocol.grid)
    index, level = digitise(prob, protocol.grid)
    predicted, inter, union = overlap_counts(index, level, mask, num)
    targets = mask_components(mask, protocol.connectivity)
    detections = sweep_components(
        index, level, num, mask.shape, protocol.connectivity
    )
    hits, hit_pixels, matches = target_counts(
        targets,
        detections,
        num,
        protocol.radius,
        protocol.tolerances,
        protocol.match,
    )
    counts = Counts(
        pixels=mask.size,
        targets=len(targets.area),
        target_pixels=np.count_nonzero(mask),
        inter=inter,
        union=union,
        detections=np.bincount(detections.layer, minlength=num),
        hits=hits,
        false_pixels=predicted - hit_pixels,
        matches=matches,
    )
    return np.concatenate([np.ravel(field) for field in counts])


def unpack(records: Sequence[np.ndarray], protocol: EvalProtocol) -> Counts:
    """Give the columns of records their names and shapes back.

    Args:
        records (Sequence[np.ndarray]): N records of :func:`count_image`.
        protocol (EvalProtocol): The one they were counted with.

    Returns:
        Counts: With a leading dimension N.

    Raises:
        ValueError: If there is no record.
    """
    if not len(records):
        raise ValueError(
            'there is no image to evaluate; check that the data set or folder '
            'is not empty'
        )
    table = np.stack(records)
    num, tolerances = len(protocol.grid), len(protocol.tolerances)
    per_threshold = table[:, 3:].reshape(len(table), 5 + tolerances, num)
    return Counts(
        table[:, 0],
        table[:, 1],
        table[:, 2],
        *per_threshold[:, :5].swapaxes(0, 1),
        per_threshold[:, 5:],
    )
