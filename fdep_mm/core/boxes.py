"""Boxes of targets: 0-based, half-open, (x1, y1, x2, y2) in px."""

import numpy as np
from numpy.typing import ArrayLike

from .components import component_crops

LARGE = 0.05  # of an image: no small target


def mask_boxes(mask: np.ndarray, connectivity: int = 8) -> np.ndarray:
    """Boxes (G, 4) float64 of the components of a mask, in raster order."""
    boxes = [
        (cols.start, rows.start, cols.stop, rows.stop)
        for (rows, cols), _ in component_crops(mask, connectivity)
    ]
    return np.array(boxes, np.float64).reshape(-1, 4)


def check_boxes(
    boxes: ArrayLike, shape: tuple[int, int], name: str
) -> np.ndarray:
    """Return ground-truth boxes as (G, 4) float64, all inside the image.

    Raises:
        ValueError: A box is empty, inverted, not finite or not inside.
    """
    boxes = np.asarray(boxes, dtype=np.float64)
    if not boxes.size:
        return boxes.reshape(0, 4)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(
            f'{name}: boxes must be (G, 4), got shape {boxes.shape}'
        )
    x1, y1, x2, y2 = boxes.T
    height, width = shape
    inside = (x1 >= 0) & (y1 >= 0) & (x2 <= width) & (y2 <= height)
    good = inside & (x1 < x2) & (y1 < y2)
    if not good.all():
        bad = boxes[~good][0]
        reason = 'is empty or inverted' if inside[~good][0] else 'is not in it'
        if not np.isfinite(bad).all():
            reason = 'is not finite'
        raise ValueError(
            f'{name}: the image is {width}x{height} px, box (x1, y1, x2, y2) '
            f'= {tuple(bad.tolist())} {reason}; correct it, 0-based and '
            'half-open'
        )
    return boxes
