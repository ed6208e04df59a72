"""Multiscale patch-based contrast measure (MPCM).

Wei, You, Li, *Multiscale patch-based contrast measure for small infrared
target detection*, Pattern Recognition 58, 2016.
"""

from collections.abc import Sequence

import numpy as np

from .cells import box_mean, check_odd, neighbours
from .score import score_map


@score_map
def mpcm(
    image: np.ndarray,
    scales: Sequence[int] = (3, 5, 7, 9),
    bright_only: bool = False,
) -> np.ndarray:
    """Least product of differences to opposite neighbours, best scale.

    The border is replicated: targets less than 2 px from it are continued
    into a neighbour, and lost.

    Args:
        image (np.ndarray): (H, W) in 0..255, see :func:`.score.as_grey`.
        scales (Sequence[int]): Sides of the cells, px, odd. Defaults to the
            paper's (3, 5, 7, 9); a widespread MATLAB version has (3, 5, 7).
        bright_only (bool): Ignore neighbours that are brighter than the cell.
            The paper does not, so that dark spots, whose differences are
            negative twice, respond like bright ones.

    Returns:
        np.ndarray: (H, W) float32 score map in [0, 1].

    Raises:
        ValueError: If a scale is not odd.
    """
    check_odd('scales', *scales)
    image = image.astype(np.float32)
    contrast = np.zeros_like(image)
    for size in scales:
        mean = box_mean(image, size)
        differences = [mean - other for other in neighbours(mean, size)]
        if bright_only:
            differences = [d.clip(0) for d in differences]
        product = differences[0] * differences[4]
        for i in (1, 2, 3):
            np.minimum(
                product, differences[i] * differences[i + 4], out=product
            )
        np.maximum(contrast, product, out=contrast)
    return contrast
