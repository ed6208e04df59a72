"""Weighted local difference measure (WLDM).

Deng, Sun, Liu, Ye, Zhou, *Small infrared target detection based on weighted
local difference measure*, IEEE TGRS 54(7), 2016.
"""

from itertools import combinations

import cv2
import numpy as np

from .cells import box_mean, check_odd
from .score import score_map


@score_map
def wldm(
    image: np.ndarray,
    window: int = 9,
    entropy_window: int = 5,
    normalize: bool = True,
) -> np.ndarray:
    """Difference of box means times a weighted local entropy.

    Gray levels are rounded to integers for the entropy.

    Args:
        window (int): Side of the largest box mean, px, odd; the others are 3,
            5, ...
        entropy_window (int): Side of the entropy's window, px, odd, at most
            15.
        normalize (bool): Divide the difference by the range of the means, as
            the public MATLAB version does.
    """
    check_odd('window', window)
    check_odd('entropy_window', entropy_window)
    if window < 5 or entropy_window > 15:
        raise ValueError(
            'window must be at least 5 and entropy_window at most 15, got '
            f'{window} and {entropy_window}'
        )
    return _difference(image, window, normalize) * _entropy(
        image, entropy_window
    )


def _difference(image: np.ndarray, window: int, normalize: bool) -> np.ndarray:
    means = [box_mean(image, size) for size in range(3, window + 1, 2)]
    largest = means[-1]
    out = np.maximum.reduce([(m - largest) ** 2 for m in means[:-1]])
    if not normalize:
        return out
    span = (np.maximum.reduce(means) - np.minimum.reduce(means)) ** 2
    # A range of rounding errors is none: gray levels are integers.
    return np.divide(out, span, out=np.zeros_like(out), where=span > 1e-12)


def _entropy(image: np.ndarray, window: int) -> np.ndarray:
    """Sum over the window of squared difference times -p log2(p).

    A gray level v that occurs c times is met c times in the window, so each
    pixel contributes log2(n / c) / n.
    """
    half, (height, width) = window // 2, image.shape
    levels = np.rint(image).clip(0, 255).astype(np.uint8)
    padded = np.pad(levels, half, mode='symmetric')
    pixels = [
        padded[y : y + height, x : x + width]
        for y in range(window)
        for x in range(window)
    ]
    counts = [np.ones(image.shape, np.uint8) for _ in pixels]
    for i, j in combinations(range(len(pixels)), 2):
        equal = (pixels[i] == pixels[j]).view(np.uint8)
        counts[i] += equal
        counts[j] += equal
    n = len(pixels)
    table = np.zeros((1, 256), np.float32)
    table[0, 1 : n + 1] = np.log2(n / np.arange(1, n + 1)) / n
    center = levels.astype(np.float32)
    out = np.zeros_like(center)
    for pixel, count in zip(pixels, counts, strict=True):
        out += (pixel - center) ** 2 * cv2.LUT(count, table)
    return out
