"""Multiscale relative local contrast measure (RLCM).

Han, Liang, Zhou, Zhu, Zhao, Zhao, *Infrared small target detection utilizing
the multiscale relative local contrast measure*, IEEE GRSL 15(4), 2018.

Differences from the MATLAB code in use: the border is replicated, not black.
"""

from collections.abc import Sequence

import numpy as np

from .cells import check_odd, max_neighbor, top_means
from .score import score_map

PEAKS = ('cell', 'pixel')


@score_map
def rlcm(
    image: np.ndarray,
    size: int = 9,
    counts: Sequence[tuple[int, int]] = ((2, 4), (5, 9), (9, 16)),
    peak: str = 'cell',
) -> np.ndarray:
    """``(t / b - 1) * t`` of means of the largest pixels, best scale.

    The border is replicated, so that a target on the very corner is lost.

    Args:
        size (int): Side of a cell, px, odd.
        counts (Sequence[tuple[int, int]]): Scales (K1, K2): t is the mean of
            the K1 largest pixels of the cell, b that of the K2 largest of
            the brightest neighbor. Defaults to the paper's.
        peak (str): 'cell' is the paper's, and leaves a plateau of the size of
            a cell; 'pixel' multiplies by the pixel, not by t.
    """
    check_odd('size', size)
    numbers = tuple(sorted({k for pair in counts for k in pair}))
    if not numbers or numbers[0] < 1 or numbers[-1] > size**2:
        raise ValueError(
            f'counts must be from 1 to size * size = {size**2}, got {counts}'
        )
    if peak not in PEAKS:
        raise ValueError(f'peak={peak!r}: give one of {PEAKS}')
    image = image.astype(np.float32)
    means = dict(zip(numbers, top_means(image, size, numbers), strict=True))
    contrast = np.zeros_like(image)
    for inside, outside in counts:
        cell = means[inside]
        around = np.maximum(max_neighbor(means[outside], size), 1e-6)
        factor = image if peak == 'pixel' else cell
        np.maximum(contrast, (cell / around - 1) * factor, out=contrast)
    return contrast
