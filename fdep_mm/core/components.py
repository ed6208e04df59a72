"""Connected components of a mask, and of a prediction at all thresholds."""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

# Pixels that are labelled in one pass. Bounds the memory for large frames to
# about 0.3 GB; frames up to 320 x 320 px take 20 thresholds in one pass.
MAX_CANVAS = 2**21

# Neighbourhoods by connectivity, for scipy.ndimage.label.
STRUCTURES = {
    4: ndimage.generate_binary_structure(2, 1),
    8: ndimage.generate_binary_structure(2, 2),
}


class Components(NamedTuple):
    """Connected components, layer after layer, each in raster order.

    All attributes are (N,). Areas and sums are integers held as float64,
    which is exact up to 2**53.
    """

    area: np.ndarray
    sum_y: np.ndarray
    sum_x: np.ndarray
    layer: np.ndarray


def _compact(occupied: np.ndarray) -> np.ndarray:
    """New positions after dropping all but one of each run of empty lines."""
    keep = occupied.copy()
    keep[1:] |= occupied[:-1]
    return keep.cumsum() - 1


def _label(
    row: np.ndarray,
    col: np.ndarray,
    layer: np.ndarray,
    shape: tuple[int, int],
    connectivity: int,
) -> np.ndarray:
    """Label pixels given as coordinates in a stack of layers.

    The layers are put one under the other with an empty row between them, and
    of each run of empty rows or columns all but one are dropped. Neighbours
    stay neighbours and strangers strangers, and one labelling of a small
    canvas replaces one labelling of the full frame per threshold.
    """
    height, width = shape
    row = row + layer * (height + 1)
    occupied_rows = np.zeros(int(row.max(initial=0)) + 1, bool)
    occupied_rows[row] = True
    occupied_cols = np.zeros(width, bool)
    occupied_cols[col] = True
    new_rows, new_cols = _compact(occupied_rows), _compact(occupied_cols)
    row, col = new_rows[row], new_cols[col]
    canvas = np.zeros((new_rows[-1] + 1, new_cols[-1] + 1), bool)
    canvas[row, col] = True
    return ndimage.label(canvas, STRUCTURES[connectivity])[0][row, col] - 1


def find_components(
    index: np.ndarray,
    layer: np.ndarray,
    shape: tuple[int, int],
    connectivity: int = 8,
) -> Components:
    """Components of pixels that lie in a stack of layers.

    Args:
        index (np.ndarray): (P,) flat positions in the frame.
        layer (np.ndarray): (P,) integers from 0; pixels of different layers
            are never neighbours.

    Returns:
        Components: Numbered layer after layer, in raster order of their first
        pixel, as ``scipy.ndimage.label`` and ``skimage.measure.label`` do.
    """
    row, col = np.divmod(index, shape[1])
    labels = _label(row, col, layer, shape, connectivity)
    area = np.bincount(labels)
    layer_of = np.empty(len(area), np.intp)
    layer_of[labels] = layer
    return Components(
        area.astype(np.float64),
        np.bincount(labels, weights=row),
        np.bincount(labels, weights=col),
        layer_of,
    )


def mask_components(mask: np.ndarray, connectivity: int = 8) -> Components:
    """Components of one mask: the targets of a ground truth, for instance.

    Args:
        mask (np.ndarray): (H, W) bool.
        connectivity (int): 8 or 4.

    Returns:
        Components: All of layer 0.
    """
    index = np.flatnonzero(mask)
    return find_components(
        index, np.zeros_like(index), mask.shape, connectivity
    )


def sweep_components(
    index: np.ndarray,
    level: np.ndarray,
    num_thresholds: int,
    shape: tuple[int, int],
    connectivity: int = 8,
) -> Components:
    """Components of a prediction at all thresholds; layer = threshold.

    Args:
        index (np.ndarray): (P,) from :func:`.pixel.digitise`.
        level (np.ndarray): (P,) from :func:`.pixel.digitise`.
    """
    step = max(1, MAX_CANVAS // (shape[0] * shape[1]))
    parts = []
    for first in range(0, num_thresholds, step):
        copies = np.clip(level - first, 0, min(step, num_thresholds - first))
        start = copies.cumsum() - copies
        layer = np.arange(copies.sum()) - np.repeat(start, copies) + first
        pixels = np.repeat(index, copies)
        parts.append(find_components(pixels, layer, shape, connectivity))
    return Components(*map(np.concatenate, zip(*parts, strict=True)))
