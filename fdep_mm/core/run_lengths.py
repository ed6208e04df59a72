"""COCO's uncompressed run lengths of a target's pixels."""

import numpy as np


def encode(
    crop: np.ndarray, corner: tuple[int, int], shape: tuple[int, int]
) -> dict:
    """Encode a target, pixels (h, w) bool at a corner (x, y) of an image.

    Returns:
        dict: ``size`` [H, W] and ``counts``, lengths of the runs of 0 and 1
        in turn, column by column, beginning with 0.
    """
    height, width = shape
    col, row = np.nonzero(crop.T)  # sorted by columns
    place = (corner[0] + col) * height + corner[1] + row
    starts = place[np.diff(place, prepend=-2) > 1]
    stops = place[np.diff(place, append=height * width + 1) > 1] + 1
    edges = np.column_stack([starts, stops]).ravel()
    counts = np.diff(edges, prepend=0, append=height * width).tolist()
    if not counts[-1]:  # the last pixel is of the target
        counts.pop()
    return dict(size=[height, width], counts=counts)


def decode(code: dict) -> np.ndarray:
    """The mask, uint8 (H, W) {0, 1}, of the whole image."""
    values = np.arange(len(code['counts']), dtype=np.uint8) % 2
    flat = np.repeat(values, code['counts'])
    return flat.reshape(code['size'], order='F')
