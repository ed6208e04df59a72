"""Boxes of overlapping tiles, merged so that each target counts once."""

from collections.abc import Iterator

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from .tiling import Tile

# how far apart two tiles may place a target, px
JITTER = 8.0


def merge_boxes(
    results: Iterator[tuple[Tile, np.ndarray]],
    shape: tuple[int, int],
    threshold: float,
) -> np.ndarray:
    """Merge boxes of tiles, (n, 5) each, to (n, 5) by falling score.

    Two tiles may place a target a few px apart: each on its own side of the
    cut, which would count it twice, or beyond it, which would lose it. So
    boxes near a cut are first matched one to one by their centers. What
    several tiles see counts once, as the tile sees it in which it lies
    deepest; what one tile sees counts if its center lies in the tile's core.
    """
    inside, clusters = [], _Clusters()
    for tile, boxes in results:
        boxes = boxes[boxes[:, 4] >= threshold]
        rows, cols = tile.area
        offset = (cols.start, rows.start, cols.start, rows.start, 0)
        boxes = boxes + np.array(offset, np.float32)
        depth = _depth_in_core(boxes, tile, shape)
        # farther inside, no other tile's box is matched
        deep = depth > 2.5 * JITTER
        inside.append(boxes[deep])
        near = ~deep & (depth >= -1.5 * JITTER)
        clusters.add(boxes[near], depth[near])
    boxes = np.concatenate([*inside, clusters.result()])
    return boxes[np.argsort(-boxes[:, 4], kind='stable')]


def _depth_in_core(
    boxes: np.ndarray, tile: Tile, shape: tuple[int, int]
) -> np.ndarray:
    """How far centers are inside the core, px; the frame's edge is no cut."""
    depth = np.full(len(boxes), np.inf)
    centers = _centers(boxes)[:, ::-1]
    for place, core, length in zip(centers.T, tile.core, shape, strict=True):
        if core.start > 0:
            depth = np.minimum(depth, place - core.start)
        if core.stop < length:
            depth = np.minimum(depth, core.stop - place)
    return depth


def _centers(boxes: np.ndarray) -> np.ndarray:
    return (boxes[:, :2] + boxes[:, 2:4]) / 2


class _Clusters:
    """Boxes of different tiles, those of one target together."""

    def __init__(self) -> None:
        self.boxes = np.empty((0, 5), np.float32)
        self.depth = np.empty(0)
        self.views = np.empty(0, int)

    def add(self, boxes: np.ndarray, depth: np.ndarray) -> None:
        """Match the boxes of one more tile."""
        new, old = self._match(boxes)
        self.views[old] += 1
        deeper = depth[new] > self.depth[old]
        self.boxes[old[deeper]] = boxes[new[deeper]]
        self.depth[old[deeper]] = depth[new[deeper]]
        rest = np.setdiff1d(np.arange(len(boxes)), new)
        self.boxes = np.concatenate([self.boxes, boxes[rest]])
        self.depth = np.concatenate([self.depth, depth[rest]])
        self.views = np.concatenate([self.views, np.ones(len(rest), int)])

    def _match(self, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        distance = cdist(_centers(boxes), _centers(self.boxes))
        within = distance < JITTER
        near = np.flatnonzero(within.any(axis=0))
        cost = np.where(within, distance, JITTER)[:, near]
        new, old = linear_sum_assignment(cost)
        matched = cost[new, old] < JITTER
        return new[matched], near[old[matched]]

    def result(self) -> np.ndarray:
        """Boxes that several tiles saw, or one of them in its core."""
        return self.boxes[(self.views > 1) | (self.depth >= 0)]
