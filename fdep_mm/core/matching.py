"""One-to-one matching of detections to targets by centroid distance.

The field's rule (ACM, DNA-Net and their descendants): targets are visited in
raster order, and each takes the first detection in raster order that no other
target took and whose centroid is within the radius ('greedy'). It depends on
the orientation of the image where several detections compete for a target;
'hungarian' does not: as many matches as possible, and among those the least
total distance.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import ndimage
from scipy.optimize import linear_sum_assignment

from .components import STRUCTURES, Components, mask_components

# A target and a detection: the detection's layer, the indices of both, and
# the distance of their centroids in px.
INDICES = [(name, np.intp) for name in ('layer', 'target', 'detection')]
PAIR = np.dtype([*INDICES, ('distance', np.float64)])


def close_pairs(
    targets: Components, detections: Components, max_distance: float
) -> np.ndarray:
    """Pairs, (P,) of type PAIR, of centroids at most `max_distance` px apart.

    By layer, then target, then detection. Distances are computed from integer
    sums, so that a shift by exactly 3 px is exactly 3 px wherever it is.
    """
    found = [np.empty(0, PAIR)]
    for target, (area, sum_y, sum_x, _) in enumerate(
        zip(*(field.tolist() for field in targets), strict=True)
    ):
        delta_y = detections.sum_y * area - sum_y * detections.area
        delta_x = detections.sum_x * area - sum_x * detections.area
        distance = np.sqrt(delta_y**2 + delta_x**2) / (detections.area * area)
        near = np.flatnonzero(distance <= max_distance)
        pairs = np.empty(len(near), PAIR)
        pairs['layer'] = detections.layer[near]
        pairs['target'] = target
        pairs['detection'] = near
        pairs['distance'] = distance[near]
        found.append(pairs)
    pairs = np.concatenate(found)
    return pairs[np.argsort(pairs['layer'], kind='stable')]


def match_greedy(pairs: np.ndarray) -> np.ndarray:
    """Match in raster order of targets, then of detections."""
    matched, taken, done = [], set(), None
    for i, (layer, target, detection, _) in enumerate(pairs.tolist()):
        if done != (layer, target) and detection not in taken:
            done = (layer, target)
            taken.add(detection)
            matched.append(i)
    return pairs[matched]


def match_hungarian(pairs: np.ndarray) -> np.ndarray:
    """Match as many pairs as possible, at the least total distance."""
    matched = []
    for layer in np.unique(pairs['layer']):
        here = np.flatnonzero(pairs['layer'] == layer)
        rows, row = np.unique(pairs['target'][here], return_inverse=True)
        cols, col = np.unique(pairs['detection'][here], return_inverse=True)
        distance = pairs['distance'][here]
        # one forbidden pair must cost more than all admissible ones together
        cost = np.full((len(rows), len(cols)), 1 + distance.sum())
        cost[row, col] = distance
        pair_at = np.full(cost.shape, -1)
        pair_at[row, col] = here
        chosen = pair_at[linear_sum_assignment(cost)]
        matched += chosen[chosen >= 0].tolist()
    return pairs[sorted(matched)]


MATCHERS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    'greedy': match_greedy,
    'hungarian': match_hungarian,
}


def hit_pairs(
    targets: Components, detections: Components, radius: float, match: str
) -> np.ndarray:
    """Matched pairs that are less than `radius` px apart, see PAIR."""
    pairs = close_pairs(targets, detections, radius)
    return MATCHERS[match](pairs[pairs['distance'] < radius])


class MatchedMasks(NamedTuple):
    """Targets and detections of one image at one threshold.

    Label 0 is background; entry i of a flag is of label i + 1.
    """

    target_labels: np.ndarray  # (H, W) integers
    target_hit: np.ndarray  # (G,) bool
    detection_labels: np.ndarray  # (H, W) integers
    detection_hit: np.ndarray  # (C,) bool


def match_masks(
    pred: np.ndarray,
    mask: np.ndarray,
    radius: float = 3.0,
    match: str = 'greedy',
    connectivity: int = 8,
) -> MatchedMasks:
    """Tell hits, misses and false alarms of one image, as Pd and Fa do.

    Takes (H, W) bool; a hit is less than ``radius`` px away.
    """
    targets = mask_components(mask, connectivity)
    detections = mask_components(pred, connectivity)
    hits = hit_pairs(targets, detections, radius, match)
    structure = STRUCTURES[connectivity]
    return MatchedMasks(
        ndimage.label(mask, structure)[0],
        np.isin(np.arange(len(targets.area)), hits['target']),
        ndimage.label(pred, structure)[0],
        np.isin(np.arange(len(detections.area)), hits['detection']),
    )
