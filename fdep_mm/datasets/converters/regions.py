"""Masks to boxes and points, and back."""

import cv2
import numpy as np
from scipy import ndimage

from fdep_mm.evaluation.functional.components import STRUCTURES

FILLS = ('box', 'ellipse')


def mask_centroids(
    mask: np.ndarray,
    image: np.ndarray | None = None,
    connectivity: int = 8,
) -> np.ndarray:
    """Centre of each component of a mask, in raster order of the components.

    Args:
        mask (np.ndarray): (H, W); everything that is not 0 is target.
        image (np.ndarray, optional): (H, W) of values from 0: their weights
            move the centre to the bright part of the target, as in the
            centroid files of SIRST-V1. Defaults to None: equal weights.
        connectivity (int): 8 or 4. Defaults to 8.

    Returns:
        np.ndarray: (G, 2) float64, x and y in px, 0 being the centre of the
        first pixel.
    """
    labels, number = ndimage.label(mask, STRUCTURES[connectivity])
    weights = labels > 0 if image is None else image.astype(np.float64)
    indices = np.arange(1, number + 1)
    # A target that is black throughout has no weighted centre.
    dark = ndimage.sum(weights, labels, indices) <= 0
    weights = np.where(np.isin(labels, indices[dark]), 1, weights)
    centres = ndimage.center_of_mass(weights, labels, indices)
    return np.array(centres, np.float64).reshape(-1, 2)[:, ::-1]


def boxes_to_mask(
    boxes: np.ndarray, shape: tuple[int, int], fill: str = 'box'
) -> np.ndarray:
    """Draw boxes as a mask; what lies outside the image is cut off.

    Args:
        boxes (np.ndarray): (G, 4), x1, y1, x2, y2, 0-based and half-open in
            px; rounded to whole pixels.
        shape (tuple[int, int]): Height and width of the image.
        fill (str): 'box', or 'ellipse' for the pixels whose centre is in the
            ellipse that touches the box. Defaults to 'box'.

    Returns:
        np.ndarray: uint8 (H, W) {0, 1}.

    Raises:
        ValueError: Another fill.
    """
    if fill not in FILLS:
        raise ValueError(f'fill={fill!r}: give one of {FILLS}')
    mask = np.zeros(shape, np.uint8)
    limits = np.array(shape[::-1] * 2)
    for box in np.rint(boxes).reshape(-1, 4):
        x1, y1, x2, y2 = np.clip(box, 0, limits).astype(int)
        if fill == 'box':
            mask[y1:y2, x1:x2] = 1
            continue
        y, x = np.ogrid[y1:y2, x1:x2]
        radius = np.maximum(box[2:] - box[:2], 1) / 2
        centre = (box[:2] + box[2:] - 1) / 2
        inside = ((x - centre[0]) / radius[0]) ** 2 + (
            (y - centre[1]) / radius[1]
        ) ** 2 <= 1
        mask[y1:y2, x1:x2] |= inside.astype(np.uint8)
    return mask


def points_to_mask(
    points: np.ndarray, shape: tuple[int, int], radius: int = 0
) -> np.ndarray:
    """Draw points as single pixels or disks.

    Args:
        points (np.ndarray): (G, 2), x and y in px; rounded, and moved into
            the image where rounding leads out of it.
        shape (tuple[int, int]): Height and width of the image.
        radius (int): In px; 0 for single pixels, the label of methods that
            train from points. Defaults to 0.

    Returns:
        np.ndarray: uint8 (H, W) {0, 1}.
    """
    mask = np.zeros(shape, np.uint8)
    last = np.array(shape[::-1]) - 1
    for centre in np.clip(np.rint(points), 0, last).reshape(-1, 2):
        cv2.circle(mask, centre.astype(int).tolist(), radius, 1, cv2.FILLED)
    return mask
