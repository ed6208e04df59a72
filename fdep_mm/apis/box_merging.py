"""Boxes of overlapping tiles, put together so that each target counts once."""

from collections.abc import Iterator

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from .tiling import Tile

# px by which two tiles may disagree about where a target is
JITTER = 8.0


def merge_boxes(
    results: Iterator[tuple[Tile, np.ndarray]],
    shape: tuple[int, int],
    threshold: float,
    jitter: float = JITTER,
) -> np.ndarray:
    """Put boxes of tiles together.

    Two tiles may see a target at places that differ by a few px: each of them
    on its own side of the cut, which would double it, or beyond it, which
    would lose it. So near a cut the boxes of tiles are first matched one to
    one by their centres. What several tiles see counts once, as the tile sees
    it in which it lies deepest; what a single tile sees counts if its centre
    lies in the core of this tile.

    Args:
        results (Iterator): Tiles and their boxes (n, 5), see
            :class:`.backend.Backend`.
        shape (tuple[int, int]): Height and width of the frame, px.
        jitter (float): Largest distance of centres that are matched, px.

    Returns:
        np.ndarray: (n, 5) float32, by falling score.
    """
    inside, clusters = [], _Clusters(jitter)
    for tile, boxes in results:
        boxes = boxes[boxes[:, 4] >= threshold]
        rows, cols = tile.area
        offset = (cols.start, rows.start, cols.start, rows.start, 0)
        boxes = boxes + np.array(offset, np.float32)
        depth = _depth_in_core(boxes, tile, shape)
        # Farther inside than this no other tile's view of it is matched.
        deep = depth > 2.5 * jitter
        inside.append(boxes[deep])
        near = ~deep & (depth >= -1.5 * jitter)
        clusters.add(boxes[near], depth[near])
    boxes = np.concatenate([*inside, clusters.result()])
    return boxes[np.argsort(-boxes[:, 4], kind='stable')]


def _depth_in_core(
    boxes: np.ndarray, tile: Tile, shape: tuple[int, int]
) -> np.ndarray:
    """How far inside the core centres are, px; the frame's edge is no cut."""
    depth = np.full(len(boxes), np.inf)
    centres = _centres(boxes)[:, ::-1]
    for place, core, length in zip(centres.T, tile.core, shape, strict=True):
        if core.start > 0:
            depth = np.minimum(depth, place - core.start)
        if core.stop < length:
            depth = np.minimum(depth, core.stop - place)
    return depth


def _centres(boxes: np.ndarray) -> np.ndarray:
    return (boxes[:, :2] + boxes[:, 2:4]) / 2


class _Clusters:
    """Boxes of different tiles, those of one target together."""

    def __init__(self, jitter: float) -> None:
        self.jitter = jitter
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
        distance = cdist(_centres(boxes), _centres(self.boxes))
        within = distance < self.jitter
        near = np.flatnonzero(within.any(axis=0))
        cost = np.where(within, distance, self.jitter)[:, near]
        new, old = linear_sum_assignment(cost)
        matched = cost[new, old] < self.jitter
        return new[matched], near[old[matched]]

    def result(self) -> np.ndarray:
        """What counts."""
        return self.boxes[(self.views > 1) | (self.depth >= 0)]
