"""One-to-one matching of detections to targets by centroid distance.

The field's rule (ACM, DNA-Net and their descendants): targets are visited in
raster order, and each takes the first detection in raster order that no other
target took and whose centroid is within the radius ('greedy'). It depends on
the orientation of the image where several detections compete for a target;
'hungarian' does not: as many matches as possible, and among those the least
total distance.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy import ndimage
from scipy.optimize import linear_sum_assignment

from .components import STRUCTURES, Components, mask_components


class Pairs(NamedTuple):
    """Pairs of a target and a detection that are close to each other.

    Sorted by layer, then target, then detection. All attributes are (P,).

    Attributes:
        distance (np.ndarray): Distance of the two centroids in px.
    """

    layer: np.ndarray
    target: np.ndarray
    detection: np.ndarray
    distance: np.ndarray


def close_pairs(
    targets: Components, detections: Components, max_distance: float
) -> Pairs:
    """Pairs whose centroids are at most `max_distance` apart.

    Distances are computed from integer sums (the centroids are never
    rounded), so that a shift by exactly 3 px is exactly 3 px apart wherever
    in the image it is.

    Args:
        max_distance (float): In px, inclusive.
    """
    columns = []
    for target, (area, sum_y, sum_x, _) in enumerate(
        zip(*(field.tolist() for field in targets), strict=True)
    ):
        delta_y = detections.sum_y * area - sum_y * detections.area
        delta_x = detections.sum_x * area - sum_x * detections.area
        distance = np.sqrt(delta_y**2 + delta_x**2) / (detections.area * area)
        near = np.flatnonzero(distance <= max_distance)
        columns.append(
            Pairs(
                detections.layer[near],
                np.full(len(near), target),
                near,
                distance[near],
            )
        )
    if not columns:
        none = np.zeros(0, np.intp)
        return Pairs(none, none, none, none.astype(np.float64))
    pairs = Pairs(*map(np.concatenate, zip(*columns, strict=True)))
    order = np.argsort(pairs.layer, kind='stable')
    return Pairs(*(column[order] for column in pairs))


def match_greedy(pairs: Pairs) -> np.ndarray:
    """Match in raster order of targets, then of detections.

    Returns:
        np.ndarray: (M,) indices into the pairs, ascending.
    """
    matched, taken = [], set()
    layers, targets = pairs.layer.tolist(), pairs.target.tolist()
    detections = pairs.detection.tolist()
    done = None
    for i, (layer, target, detection) in enumerate(
        zip(layers, targets, detections, strict=True)
    ):
        if done != (layer, target) and detection not in taken:
            done = (layer, target)
            taken.add(detection)
            matched.append(i)
    return np.asarray(matched, dtype=np.intp)


def match_hungarian(pairs: Pairs) -> np.ndarray:
    """Match as many as possible, at the least total distance.

    Returns:
        np.ndarray: (M,) indices into the pairs, ascending.
    """
    matched = []
    for layer in np.unique(pairs.layer):
        here = np.flatnonzero(pairs.layer == layer)
        rows, row = np.unique(pairs.target[here], return_inverse=True)
        cols, col = np.unique(pairs.detection[here], return_inverse=True)
        # One forbidden pair must cost more than all admissible ones together.
        forbidden = 1 + pairs.distance[here].sum()
        cost = np.full((len(rows), len(cols)), forbidden)
        cost[row, col] = pairs.distance[here]
        pair_at = np.full(cost.shape, -1)
        pair_at[row, col] = here
        chosen = pair_at[linear_sum_assignment(cost)]
        matched.append(chosen[chosen >= 0])
    if not matched:
        return np.zeros(0, np.intp)
    return np.sort(np.concatenate(matched))


MATCHERS: dict[str, Callable[[Pairs], np.ndarray]] = {
    'greedy': match_greedy,
    'hungarian': match_hungarian,
}


def match_within(
    pairs: Pairs, radius: float, inclusive: bool, match: str = 'greedy'
) -> Pairs:
    """Matched pairs within a radius.

    Args:
        radius (float): In px.

    Returns:
        Pairs: The matched ones; no target (of a layer) and no detection
        appears twice.
    """
    near = pairs.distance <= radius if inclusive else pairs.distance < radius
    pairs = Pairs(*(column[near] for column in pairs))
    matched = MATCHERS[match](pairs)
    return Pairs(*(column[matched] for column in pairs))


def target_counts(
    targets: Components,
    detections: Components,
    num_layers: int,
    radius: float,
    tolerances: Sequence[float],
    match: str,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Matches and matched pixels of all layers.

    Args:
        detections (Components): Of the prediction, layers 0..T-1.
        radius (float): Pd and Fa: matched if the distance is < radius, px.
        tolerances (Sequence[float]): D values in px; matched at d if the
            distance is <= d.

    Returns:
        tuple[np.ndarray, np.ndarray, np.ndarray]: matches within `radius`
        (T,), pixels of the detections so matched (T,), and matches within
        each tolerance (D, T); integers.
    """
    pairs = close_pairs(targets, detections, max(radius, *tolerances, 0))
    hits = match_within(pairs, radius, inclusive=False, match=match)
    hit_pixels = np.bincount(
        hits.layer,
        weights=detections.area[hits.detection],
        minlength=num_layers,
    )
    by_tolerance = np.zeros((len(tolerances), num_layers), np.int64)
    for row, tolerance in zip(by_tolerance, tolerances, strict=True):
        found = match_within(pairs, tolerance, inclusive=True, match=match)
        row += np.bincount(found.layer, minlength=num_layers)
    return (
        np.bincount(hits.layer, minlength=num_layers),
        hit_pixels.astype(np.int64),
        by_tolerance,
    )


class MatchedMasks(NamedTuple):
    """Targets and detections of one image at one threshold.

    Attributes:
        target_labels (np.ndarray): (H, W) integers, 0 is background.
        target_hit (np.ndarray): (G,) bool; entry i is of label i + 1.
        detection_labels (np.ndarray): (H, W) integers, 0 is background.
        detection_hit (np.ndarray): (C,) bool; entry i is of label i + 1.
    """

    target_labels: np.ndarray
    target_hit: np.ndarray
    detection_labels: np.ndarray
    detection_hit: np.ndarray


def match_masks(
    pred: np.ndarray,
    mask: np.ndarray,
    radius: float = 3.0,
    match: str = 'greedy',
    connectivity: int = 8,
) -> MatchedMasks:
    """Tell hits, misses and false alarms of one image, for pictures.

    Args:
        pred (np.ndarray): (H, W) bool, the thresholded prediction.
        mask (np.ndarray): (H, W) bool, the ground truth.
        radius (float): In px; hit if the distance is < radius.
        match (str): 'greedy' or 'hungarian'.
        connectivity (int): 8 or 4.

    Returns:
        MatchedMasks: Consistent with the counts of Pd and Fa.
    """
    targets = mask_components(mask, connectivity)
    detections = mask_components(pred, connectivity)
    pairs = close_pairs(targets, detections, radius)
    hits = match_within(pairs, radius, inclusive=False, match=match)
    target_hit = np.zeros(len(targets.area), bool)
    target_hit[hits.target] = True
    detection_hit = np.zeros(len(detections.area), bool)
    detection_hit[hits.detection] = True
    structure = STRUCTURES[connectivity]
    return MatchedMasks(
        ndimage.label(mask, structure)[0],
        target_hit,
        ndimage.label(pred, structure)[0],
        detection_hit,
    )
