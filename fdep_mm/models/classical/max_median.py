"""Max-mean and max-median filters.

Deshpande, Er, Venkateswarlu, Chan, *Max-mean and max-median filters for
detection of small targets*, Proc. SPIE 3809, 1999.
"""

from collections.abc import Sequence

import numpy as np

from .score import score_map

# 0, 45, 90 and 135 degrees, as (dy, dx).
DIRECTIONS = ((0, 1), (1, -1), (1, 0), (1, 1))


@score_map
def max_median(image: np.ndarray, half: int = 2) -> np.ndarray:
    """Image minus the largest of four directional medians, clipped at 0.

    Args:
        image (np.ndarray): (H, W) in 0..255, see :func:`.score.as_grey`.
        half (int): N; lines are 2N + 1 px long, which must exceed twice the
            width of a target for it to stand out whole.

    Returns:
        np.ndarray: (H, W) float32 score map in [0, 1].

    Raises:
        ValueError: If `half` is less than 1.
    """
    image = image.astype(np.float32)
    background = [median(line) for line in _lines(image, half)]
    return image - np.maximum.reduce(background)


@score_map
def max_mean(image: np.ndarray, half: int = 2) -> np.ndarray:
    """Image minus the largest of four directional means, clipped at 0.

    Args:
        image (np.ndarray): (H, W) in 0..255, see :func:`.score.as_grey`.
        half (int): N; lines are 2N + 1 px long.

    Returns:
        np.ndarray: (H, W) float32 score map in [0, 1].

    Raises:
        ValueError: If `half` is less than 1.
    """
    image = image.astype(np.float32)
    background = [sum(line) / len(line) for line in _lines(image, half)]
    return image - np.maximum.reduce(background)


def _lines(image: np.ndarray, half: int) -> list[list[np.ndarray]]:
    """For each direction the 2N + 1 shifted images, border mirrored."""
    if half < 1:
        raise ValueError(f'half must be at least 1 px, got {half}')
    height, width = image.shape
    padded = np.pad(image, half, mode='symmetric')
    return [
        [
            padded[
                half + k * dy : half + k * dy + height,
                half + k * dx : half + k * dx + width,
            ]
            for k in range(-half, half + 1)
        ]
        for dy, dx in DIRECTIONS
    ]


def median(images: Sequence[np.ndarray]) -> np.ndarray:
    """Median of an odd number of images by exchanges of whole images.

    Half of the images and two more hold the smallest and the largest of all
    that can still be dropped; so these two go, the next image comes in, and
    so on. Several times faster than sorting pixel by pixel.

    Args:
        images (Sequence[np.ndarray]): (H, W) each, an odd number.

    Returns:
        np.ndarray: (H, W).
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
