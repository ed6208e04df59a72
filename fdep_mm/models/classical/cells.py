"""The window of local contrast methods: a cell and its eight neighbors."""

from numbers import Integral

import cv2
import numpy as np

# Cell i and cell i + 4 are opposite.
OFFSETS = (
    (-1, -1),
    (-1, 0),
    (-1, 1),
    (0, 1),
    (1, 1),
    (1, 0),
    (1, -1),
    (0, -1),
)


def check_odd(name: str, *sizes: int) -> None:
    """Raise ValueError unless all sizes, px, are positive odd integers."""
    if not sizes or not all(
        isinstance(s, Integral) and s > 0 and s % 2 for s in sizes
    ):
        raise ValueError(
            f'{name} must be positive odd sizes in px, got {sizes}'
        )


def box_mean(image: np.ndarray, size: int) -> np.ndarray:
    """Mean over a square window of `size` px, border replicated."""
    return cv2.blur(image, (size, size), borderType=cv2.BORDER_REPLICATE)


def neighbors(cells: np.ndarray, size: int) -> list[np.ndarray]:
    """The map (H, W) of a cell quantity, read at the eight neighbor cells.

    Returns views in the order of `OFFSETS`, replicated beyond the border;
    `size` is the side of a cell in px.
    """
    height, width = cells.shape
    padded = cv2.copyMakeBorder(
        cells, size, size, size, size, cv2.BORDER_REPLICATE
    )
    return [
        padded[
            (1 + a) * size : (1 + a) * size + height,
            (1 + b) * size : (1 + b) * size + width,
        ]
        for a, b in OFFSETS
    ]


def max_neighbor(cells: np.ndarray, size: int) -> np.ndarray:
    """Largest of the eight neighbors, see :func:`neighbors`."""
    return np.maximum.reduce(neighbors(cells, size))


def top_means(
    image: np.ndarray, size: int, counts: tuple[int, ...]
) -> list[np.ndarray]:
    """Means of the `counts` largest pixels of each cell, (H, W) per count."""
    most = max(counts)
    half, (height, width) = size // 2, image.shape
    padded = np.pad(image, half, mode='edge')
    out = [np.empty(image.shape, image.dtype) for _ in counts]
    # In blocks of rows: a window copy of the whole image is 81 images.
    step = max(1, 2**21 // (width * size * size))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size))
    for start in range(0, height, step):
        block = windows[start : start + step].reshape(-1, width, size**2)
        block = np.partition(block, size**2 - most, axis=-1)[..., -most:]
        block.sort(axis=-1)
        sums = block[..., ::-1].cumsum(axis=-1)
        for target, count in zip(out, counts, strict=True):
            target[start : start + step] = sums[..., count - 1] / count
    return out
