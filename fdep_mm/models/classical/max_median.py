"""Max-mean and max-median filters.

Deshpande, Er, Venkateswarlu, Chan, *Max-mean and max-median filters for
detection of small targets*, Proc. SPIE 3809, 1999.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from .score import score_map


@score_map
def max_median(image: np.ndarray, half: int = 2) -> np.ndarray:
    """Image minus the largest of four directional medians, clipped at 0.

    Args:
        half (int): N; lines are 2N + 1 px long, which must exceed twice the
            width of a target for it to stand out whole.
    """
    image = image.astype(np.float32)
    padded = np.pad(image, half, mode='symmetric')
    views = np.lib.stride_tricks.sliding_window_view(padded, image.shape)
    background = [median(views[line]) for line in _lines(half)]
    return image - np.maximum.reduce(background)


@score_map
def max_mean(image: np.ndarray, half: int = 2) -> np.ndarray:
    """Image minus the largest of four directional means, clipped at 0.

    Args:
        half (int): N; lines are 2N + 1 px long.
    """
    image = image.astype(np.float32)
    background = [
        cv2.filter2D(
            image, -1, line / line.sum(), borderType=cv2.BORDER_REFLECT
        )
        for line in _lines(half)
    ]
    return image - np.maximum.reduce(background)


def _lines(half: int) -> list[np.ndarray]:
    """Masks of the lines through a window of 2N + 1 px."""
    if half < 1:
        raise ValueError(f'half must be at least 1 px, got {half}')
    falling = np.eye(2 * half + 1, dtype=bool)
    flat = np.zeros_like(falling)
    flat[half] = True
    return [flat, falling[::-1], flat.T, falling]


def median(images: Sequence[np.ndarray]) -> np.ndarray:
    """Median of an odd number of images (H, W) by exchanges of whole images.

    Half of the images and two more hold the smallest and the largest of all
    that can still be dropped; so these two go, the next image comes in, and
    so on. Several times faster than sorting pixel by pixel.
    """
    first = len(images) // 2 + 2
    kept, waiting = list(images[:first]), list(images[first:])
    while len(kept) > 1:
        for i in range(len(kept) - 1, 0, -1):
            _exchange(kept, i)
        for i in range(2, len(kept)):
            _exchange(kept, i)
        kept = kept[1:-1]
        if waiting:
            kept.append(waiting.pop())
    return kept[0]


def _exchange(images: list[np.ndarray], i: int) -> None:
    low, high = images[i - 1], images[i]
    images[i - 1], images[i] = np.minimum(low, high), np.maximum(low, high)
