"""Pd and Fa of boxes, with the matching that masks are scored by."""

import numpy as np

from fdep_mm.core.components import Components
from fdep_mm.core.matching import hit_pairs


def box_components(boxes: np.ndarray, shape: tuple[int, int]) -> Components:
    """One component for each box, in their order; overlapping ones stay apart.

    Boxes are (N, 4) x1, y1, x2, y2 in px, half-open. A box stands for the
    pixels whose centers it holds, and without any (too thin, inverted, or
    outside the image) for the pixel nearest to its center, so that every box
    is a detection.
    """
    x1, y1, x2, y2 = _pixel_ranges(boxes, shape).T.astype(np.float64)
    area = (x2 - x1) * (y2 - y1)
    return Components(
        area=area,
        sum_y=area * (y1 + y2 - 1) / 2,
        sum_x=area * (x1 + x2 - 1) / 2,
        layer=np.zeros(len(area), np.intp),
    )


def count_boxes(
    boxes: np.ndarray,
    targets: Components,
    shape: tuple[int, int],
    radius: float = 3.0,
    match: str = 'greedy',
) -> np.ndarray:
    """Count pixels, targets, hits and false pixels of one image: (4,) int64.

    False pixels are those in some box but in none that hits; each is counted
    once.

    Args:
        boxes (np.ndarray): (N, 4) detections, see :func:`box_components`, by
            descending score: with 'greedy' a target takes the first one.
        targets (Components): Of the ground truth.
        shape (tuple[int, int]): Height and width of the image.
        radius, match: See :class:`.counts.EvalProtocol`.
    """
    detections = box_components(boxes, shape)
    hits = hit_pairs(targets, detections, radius, match)
    has_hit = np.zeros(len(boxes), bool)
    has_hit[hits['detection']] = True
    false = np.zeros(shape, bool)
    ranges = _pixel_ranges(boxes, shape)
    for x1, y1, x2, y2 in ranges[~has_hit]:
        false[y1:y2, x1:x2] = True
    for x1, y1, x2, y2 in ranges[has_hit]:
        false[y1:y2, x1:x2] = False
    return np.array([false.size, len(targets.area), len(hits), false.sum()])


def _pixel_ranges(boxes: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """(N, 4) integers: first column and row, one past the last of both."""
    size = np.array(shape[::-1])
    corner1, corner2 = boxes[:, :2], boxes[:, 2:]
    first = np.clip(np.ceil(corner1 - 0.5), 0, size)
    stop = np.clip(np.ceil(corner2 - 0.5), 0, size)
    nearest = np.clip(np.floor((corner1 + corner2) / 2), 0, size - 1)
    empty = (first >= stop).any(axis=1, keepdims=True)
    first = np.where(empty, nearest, first)
    stop = np.where(empty, nearest + 1, stop)
    return np.hstack([first, stop]).astype(np.int64)
