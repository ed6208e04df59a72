"""Masks to boxes and points, and back."""

import cv2
import numpy as np

from fdep_mm.core.choices import check_choice
from fdep_mm.core.components import mask_components

FILLS = ('box', 'ellipse')


def mask_centroids(mask: np.ndarray) -> np.ndarray:
    """Centers (G, 2) of the 8-connected components of a mask, in raster order.

    x and y in px, 0 being the center of the first pixel.
    """
    found = mask_components(mask > 0)
    return np.stack([found.sum_x, found.sum_y], axis=1) / found.area[:, None]


def boxes_to_mask(
    boxes: np.ndarray, shape: tuple[int, int], fill: str = 'box'
) -> np.ndarray:
    """Draw boxes as a mask, uint8 (H, W) {0, 1}; each gets a pixel or more.

    Args:
        boxes (np.ndarray): (G, 4), x1, y1, x2, y2, 0-based and half-open, px;
            rounded to whole pixels, halves up, and cut off at the border.
        fill (str): 'box', or 'ellipse' for the pixels whose center is in the
            ellipse that touches the box.

    Raises:
        ValueError: Another fill, or a box is inverted or wholly outside.
    """
    check_choice('fill', fill, FILLS)
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    _check_overlap(boxes, shape)
    mask = np.zeros(shape, np.uint8)
    size = np.array(shape[::-1])
    for box in _whole_pixels(boxes):
        x1, y1 = np.clip(box[:2], 0, size - 1).astype(int)
        x2, y2 = np.clip(box[2:], 1, size).astype(int)
        if fill == 'box':
            mask[y1:y2, x1:x2] = 1
            continue
        y, x = np.ogrid[y1:y2, x1:x2]
        radius = (box[2:] - box[:2]) / 2
        center = (box[:2] + box[2:] - 1) / 2
        x, y = (x - center[0]) / radius[0], (y - center[1]) / radius[1]
        away = x**2 + y**2
        mask[y1:y2, x1:x2] |= away <= max(1, away.min())
    return mask


def _check_overlap(boxes: np.ndarray, shape: tuple[int, int]) -> None:
    low, high = boxes[:, :2], boxes[:, 2:]
    good = (low <= high) & (high > 0) & (low < shape[::-1])
    for box in boxes[~good.all(axis=1)]:
        inverted = (box[:2] > box[2:]).any()
        raise ValueError(
            f'box (x1, y1, x2, y2) = {tuple(box.tolist())} '
            f'{"is inverted" if inverted else "lies wholly outside"}; the '
            f'image is {shape[1]}x{shape[0]} px. Correct or remove it'
        )


def _whole_pixels(boxes: np.ndarray) -> np.ndarray:
    """Rounded edges; those of thin boxes hold the pixel of their center."""
    low, high = boxes[:, :2], boxes[:, 2:]
    start, stop = np.floor(low + 0.5), np.floor(high + 0.5)
    start = np.where(start < stop, start, np.floor((low + high) / 2))
    return np.hstack([start, np.maximum(stop, start + 1)])


def points_to_mask(
    points: np.ndarray, shape: tuple[int, int], radius: int = 0
) -> np.ndarray:
    """Draw points as disks of a radius in px, or single pixels.

    Args:
        points (np.ndarray): (G, 2), x and y in px, 0 being the center of the
            first pixel; rounded, halves up.

    Returns:
        np.ndarray: uint8 (H, W) {0, 1}.

    Raises:
        ValueError: A point lies outside the image, or in the pixel of
            another: one target would be lost.
    """
    mask = np.zeros(shape, np.uint8)
    points = np.asarray(points, np.float64).reshape(-1, 2)
    size = np.array(shape[::-1])
    # The far border belongs to the last pixel.
    pixels = np.minimum(np.floor(points + 0.5), size - 1)
    taken: dict[tuple, tuple] = {}
    for point, pixel in zip(points, pixels.astype(int), strict=True):
        where = tuple(point.tolist())
        if (pixel < 0).any() or (point > size - 0.5).any():
            raise ValueError(
                f'point (x, y) = {where} lies outside; the image is '
                f'{shape[1]}x{shape[0]} px. Correct or remove it'
            )
        center = tuple(pixel.tolist())
        if taken.setdefault(center, where) is not where:
            text = f'{taken[center]} and {where} lie in one pixel'
            raise ValueError(f'points {text}; remove one of them')
        cv2.circle(mask, center, radius, 1, cv2.FILLED)
    return mask
