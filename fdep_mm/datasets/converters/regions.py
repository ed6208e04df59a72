"""Masks to boxes and points, and back."""

import cv2
import numpy as np
from scipy import ndimage

from fdep_mm.core.choices import check_choice
from fdep_mm.core.components import STRUCTURES

FILLS = ('box', 'ellipse')


def mask_centroids(
    mask: np.ndarray, image: np.ndarray | None = None
) -> np.ndarray:
    """Center of each 8-connected component of a mask (H, W), in raster order.

    An image (H, W) of values from 0 moves it to the bright part of the target,
    as in the centroid files of SIRST-V1.

    Returns:
        np.ndarray: (G, 2) float64, x and y in px, 0 being the center of the
        first pixel.
    """
    labels, number = ndimage.label(mask, STRUCTURES[8])
    weights = labels > 0 if image is None else image.astype(np.float64)
    indices = np.arange(1, number + 1)
    # A target that is black throughout has no weighted center.
    dark = ndimage.sum(weights, labels, indices) <= 0
    weights = np.where(np.isin(labels, indices[dark]), 1, weights)
    centers = ndimage.center_of_mass(weights, labels, indices)
    return np.array(centers, np.float64).reshape(-1, 2)[:, ::-1]


def boxes_to_mask(
    boxes: np.ndarray, shape: tuple[int, int], fill: str = 'box'
) -> np.ndarray:
    """Draw boxes as a mask; what lies outside the image is cut off.

    Args:
        boxes (np.ndarray): (G, 4), x1, y1, x2, y2, 0-based and half-open, px;
            rounded to whole pixels, halves up, but to no less than one.
        fill (str): 'box', or 'ellipse' for the pixels whose center is in the
            ellipse that touches the box, at least those nearest to its center.

    Returns:
        np.ndarray: uint8 (H, W) {0, 1}, with pixels of every box.

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
    """Draw points as single pixels or disks.

    Args:
        points (np.ndarray): (G, 2), x and y in px, 0 being the center of the
            first pixel; rounded, halves up.
        radius (int): px; 0 for single pixels, the label of methods that train
            from points.

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
    for point, pixel in zip(points.tolist(), pixels, strict=True):
        if (pixel < 0).any() or (np.array(point) > size - 0.5).any():
            raise ValueError(
                f'point (x, y) = {tuple(point)} lies outside; the image is '
                f'{shape[1]}x{shape[0]} px. Correct or remove it'
            )
        center = tuple(pixel.astype(int).tolist())
        if center in taken:
            raise ValueError(
                f'points {taken[center]} and {tuple(point)} lie in one '
                'pixel; remove one of them'
            )
        taken[center] = tuple(point)
        cv2.circle(mask, center, radius, 1, cv2.FILLED)
    return mask
