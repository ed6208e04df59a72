"""Local contrast measure (LCM).

Chen, Li, Wei, Xia, Tang, *A local contrast method for small infrared target
detection*, IEEE TGRS 52(1), 2014.

Difference from the paper: one window per pixel, not per cell of a grid.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from .cells import box_mean, check_odd, max_neighbor
from .score import score_map

PEAKS = ('dilate', 'pixel')


@score_map
def lcm(
    image: np.ndarray,
    scales: Sequence[int] = (3, 5, 7, 9),
    peak: str = 'dilate',
) -> np.ndarray:
    """Square of a cell's maximum over the brightest neighbor's mean.

    A bright homogeneous area scores as high as its gray level: the map is no
    residual, and one threshold for all of it means little.

    Args:
        scales (Sequence[int]): Sides of the cells, px, odd; the map is the
            maximum over them.
        peak (str): 'dilate' is the paper's, and leaves a plateau of the size
            of a cell whose first pixel is not on the target. 'pixel'
            multiplies the cell's maximum by the pixel instead of by itself:
            equal at the peak, no plateau.
    """
    check_odd('scales', *scales)
    if peak not in PEAKS:
        raise ValueError(f'peak={peak!r}: give one of {PEAKS}')
    image = image.astype(np.float32)
    contrast = np.zeros_like(image)
    for size in scales:
        cell = cv2.dilate(image, np.ones((size, size), np.uint8))
        around = max_neighbor(box_mean(image, size), size)
        value = cell * (image if peak == 'pixel' else cell)
        # the guard is for black surroundings
        np.maximum(contrast, value / np.maximum(around, 1e-6), out=contrast)
    return contrast
