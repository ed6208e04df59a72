"""Connected components of a mask, and of a prediction at all thresholds."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy import ndimage

# Pixels labeled in one pass, for at most about 0.3 GB; frames up to 320 x 320
# px take 20 thresholds in one pass.
MAX_CANVAS = 2**21

# Neighborhoods by connectivity, for scipy.ndimage.label.
STRUCTURES = {
    4: ndimage.generate_binary_structure(2, 1),
    8: ndimage.generate_binary_structure(2, 2),
}


class Components(NamedTuple):
    """Connected components, layer after layer, each in raster order.

    All fields are (N,). Areas and sums are integers held as float64, which
    is exact up to 2**53.
    """

    area: np.ndarray  # pixels
    sum_y: np.ndarray  # of the pixels' rows
    sum_x: np.ndarray  # of the pixels' columns
    layer: np.ndarray  # index of the threshold


def component_crops(
    mask: np.ndarray, connectivity: int = 8
) -> Iterator[tuple[tuple[slice, slice], np.ndarray]]:
    """Boxes of the components of a mask (H, W), and their pixels (h, w) bool.

    A box is its rows and columns; components are in raster order.
    """
    labels, _ = ndimage.label(mask, STRUCTURES[connectivity])
    for number, window in enumerate(ndimage.find_objects(labels), start=1):
        yield window, labels[window] == number


def mask_components(mask: np.ndarray, connectivity: int = 8) -> Components:
    """Components of a mask, (H, W) bool, in the order of their labels."""
    index = np.flatnonzero(mask)
    return _components(index, np.zeros_like(index), mask.shape, connectivity)


def sweep_components(
    index: np.ndarray,
    level: np.ndarray,
    num_thresholds: int,
    shape: tuple[int, int],
    connectivity: int = 8,
) -> Components:
    """Components of a prediction at all thresholds; layer = threshold.

    Args:
        index (np.ndarray): (P,) flat positions of the pixels that exceed any
            threshold, ascending.
        level (np.ndarray): (P,) how many thresholds they exceed, from 1.
    """
    step = max(1, MAX_CANVAS // (shape[0] * shape[1]))
    parts = []
    for first in range(0, num_thresholds, step):
        # a pixel is in as many layers as thresholds it exceeds
        copies = np.clip(level - first, 0, min(step, num_thresholds - first))
        start = copies.cumsum() - copies
        layer = np.arange(copies.sum()) - np.repeat(start, copies) + first
        pixels = np.repeat(index, copies)
        parts.append(_components(pixels, layer, shape, connectivity))
    return Components(*map(np.concatenate, zip(*parts, strict=True)))


def _components(
    index: np.ndarray,
    layer: np.ndarray,
    shape: tuple[int, int],
    connectivity: int,
) -> Components:
    """Components of pixels (P,) in a stack of layers (P,).

    Layers are put one below the other with an empty row between them, and of
    each run of empty rows or columns all but one are dropped: one labeling of
    a small canvas replaces one of the full frame per threshold.
    """
    row, col = np.divmod(index, shape[1])
    y, x = _compact(row + layer * (shape[0] + 1)), _compact(col)
    canvas = np.zeros((y.max(initial=0) + 1, x.max(initial=0) + 1), bool)
    canvas[y, x] = True
    labels = ndimage.label(canvas, STRUCTURES[connectivity])[0][y, x] - 1
    area = np.bincount(labels)
    layer_of = np.empty(len(area), np.intp)
    layer_of[labels] = layer
    return Components(
        area.astype(np.float64),
        np.bincount(labels, weights=row),
        np.bincount(labels, weights=col),
        layer_of,
    )


def _compact(lines: np.ndarray) -> np.ndarray:
    """New numbers of lines, all but one of each run of unused ones dropped."""
    used = np.zeros(lines.max(initial=0) + 1, bool)
    used[lines] = True
    return (kept_lines(used).cumsum() - 1)[lines]


def kept_lines(used: np.ndarray) -> np.ndarray:
    """Lines (N,) that are used, and one of each run of unused ones."""
    kept = used.copy()
    kept[1:] |= used[:-1]
    return kept
