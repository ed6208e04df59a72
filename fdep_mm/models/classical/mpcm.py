"""Multiscale patch-based contrast measure (MPCM).

Wei, You, Li, *Multiscale patch-based contrast measure for small infrared
target detection*, Pattern Recognition 58, 2016.
"""

from collections.abc import Sequence

import numpy as np

from .cells import box_mean, check_odd, neighbors
from .score import score_map


@score_map
def mpcm(
    image: np.ndarray,
    scales: Sequence[int] = (3, 5, 7, 9),
    bright_only: bool = False,
) -> np.ndarray:
    """Least product of differences to opposite neighbors, best scale.

    The border is replicated: targets less than 2 px from it are continued
    into a neighbor, and lost.

    Args:
        scales (Sequence[int]): Sides of the cells, px, odd. Defaults to the
            paper's; a widespread MATLAB version has (3, 5, 7).
        bright_only (bool): Ignore neighbors that are brighter than the cell.
            The paper does not, so that dark spots, whose differences are
            negative twice, respond like bright ones.
    """
    check_odd('scales', *scales)
    image = image.astype(np.float32)
    contrast = np.zeros_like(image)
    for size in scales:
        mean = box_mean(image, size)
        differences = [mean - other for other in neighbors(mean, size)]
        if bright_only:
            differences = [d.clip(0) for d in differences]
        products = [differences[i] * differences[i + 4] for i in range(4)]
        np.maximum(contrast, np.minimum.reduce(products), out=contrast)
    return contrast
