"""Tri-layer local contrast measure (TLLCM).

Han, Moradi, Faramarzi, Liu, Zhang, Zhao, *A local contrast method for infrared
small-target detection utilizing a tri-layer window*, IEEE GRSL 17(10), 2020.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from .cells import check_odd, max_neighbor, top_means
from .score import score_map

CORE = np.outer((1, 2, 1), (1, 2, 1)).astype(np.float32) / 16


@score_map
def tllcm(
    image: np.ndarray,
    scales: Sequence[int] = (3, 5, 7, 9),
    count: int = 9,
) -> np.ndarray:
    """``(g / b - 1) * g`` of a smoothed core and the brightest neighbor.

    Args:
        scales (Sequence[int]): Sides of the neighbor cells, px, odd.
        count (int): b is the mean of this many largest pixels of a cell.
    """
    check_odd('scales', *scales)
    if not 1 <= count <= min(scales) ** 2:
        raise ValueError(
            f'count must be from 1 to {min(scales) ** 2}, the pixels of the '
            f'smallest cell, got {count}'
        )
    image = image.astype(np.float32)
    core = cv2.filter2D(image, -1, CORE, borderType=cv2.BORDER_REPLICATE)
    contrast = np.zeros_like(image)
    for size in scales:
        (means,) = top_means(image, size, (count,))
        around = np.maximum(max_neighbor(means, size), 1e-6)
        np.maximum(contrast, (core / around - 1) * core, out=contrast)
    return contrast
