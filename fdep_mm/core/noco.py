"""NoCo, the normalized contrast map of a target's surroundings.

Source: Dai et al., One-Stage Cascade Refinement Networks for Infrared Small
Target Detection, IEEE TGRS 2023, arXiv 2212.08472.
"""

import numpy as np
from numpy.typing import ArrayLike

from .boxes import check_boxes
from .choices import check_choice

OVERLAPS = ('overwrite', 'max')


def noco_map(
    image: np.ndarray, boxes: ArrayLike, overlap: str = 'overwrite'
) -> np.ndarray:
    """Gaussian-weighted contrast around each target, 1 at its peak.

    A target's window is its box with a margin of one box width left and
    right and one box height above and below, cut at the image border. In it
    ``C = (I - min of the window) / (max of the box - min of the window +
    0.01)`` is multiplied by a Gaussian over the window (standard deviation
    one box width and height), and the product stretched to 0 .. 0.999.

    Args:
        image (np.ndarray): (H, W), or (H, W, C) of which the mean over C is
            taken; any number type.
        boxes (ArrayLike): (G, 4), 0-based and half-open x1, y1, x2, y2 in
            px. Coordinates are truncated, and a box that is left without a
            pixel gets one.
        overlap (str): Where windows overlap: 'overwrite' (a later target's
            whole window replaces what was there, as in the toolkit of the
            paper) or 'max'.

    Returns:
        np.ndarray: (H, W) float64 in [0, 1); 0 outside the windows.

    Raises:
        ValueError: A box is empty, inverted or not inside the image, or the
            image is not finite around it.
    """
    image = np.asarray(image)
    if image.ndim not in (2, 3) or not image.size:
        raise ValueError(f'image: give (H, W) or (H, W, C), not {image.shape}')
    check_choice('overlap', overlap, OVERLAPS)
    shape = image.shape[:2]
    boxes = check_boxes(boxes, shape, 'noco_map')
    noco = np.zeros(shape)
    for x1, y1, x2, y2 in boxes.astype(int).tolist():
        x2, y2 = max(x2, x1 + 1), max(y2, y1 + 1)
        rows, row_weight = _window(y1, y2, shape[0])
        cols, col_weight = _window(x1, x2, shape[1])
        context = _gray(image[rows, cols])
        if not np.isfinite(context).all():
            raise ValueError(
                'image holds NaN or infinity around the box '
                f'{(x1, y1, x2, y2)}: correct it'
            )
        low = context.min()
        peak = _gray(image[y1:y2, x1:x2]).max()
        contrast = (context - low) / (peak - low + 0.01)
        weighted = np.outer(row_weight, col_weight) * contrast
        weighted -= weighted.min()
        weighted /= weighted.max() + 0.001
        if overlap == 'max':
            weighted = np.maximum(weighted, noco[rows, cols])
        noco[rows, cols] = weighted
    return noco


def _window(start: int, stop: int, size: int) -> tuple[slice, np.ndarray]:
    """Range of the context along one axis, and the Gaussian over it."""
    extent = stop - start
    first, last = start - extent, stop + extent
    weight = np.exp(-0.5 * np.linspace(-1.5, 1.5, 3 * extent) ** 2)
    inside = slice(max(first, 0), min(last, size))
    return inside, weight[inside.start - first : inside.stop - first]


def _gray(image: np.ndarray) -> np.ndarray:
    image = image.astype(np.float64)
    return image.mean(axis=-1) if image.ndim == 3 else image
