"""COCO's polygons as masks."""

from collections.abc import Sequence

import cv2
import numpy as np


def check_polygons(polygons: Sequence, where: str) -> None:
    """Check a segmentation that comes from a file.

    Raises:
        ValueError: One is no list of at least three points, all numbers
            finite.
    """
    for polygon in polygons:
        try:
            points = np.array(polygon, np.float64)
        except (TypeError, ValueError):
            points = np.zeros(0)
        good = points.ndim == 1 and points.size >= 6 and points.size % 2 == 0
        if not good or not np.isfinite(points).all():
            raise ValueError(
                f'{where}: a polygon must be [x1, y1, x2, y2, x3, y3, ...], '
                f'finite numbers, got {str(polygon)[:60]}'
            )


def polygons_to_mask(
    polygons: Sequence[Sequence[float]],
    shape: tuple[int, int],
    contour: bool = False,
) -> np.ndarray:
    """Draw the polygons of one target; what is outside the image is cut off.

    Args:
        polygons (Sequence[Sequence[float]]): [x1, y1, x2, y2, ...] each in
            px, 0 being the left edge of the first pixel.
        shape (tuple[int, int]): Height and width of the image.
        contour (bool): The points are pixels of the target's border, 0 being
            the first pixel, as OpenCV finds contours.

    Returns:
        np.ndarray: uint8 (H, W) {0, 1}: pixels whose center is in a polygon
        (even-odd rule), and the pixel in the middle of a polygon that holds
        no center; of contours, the pixels on them and inside.

    Raises:
        ValueError: All of them lie outside the image.
    """
    mask = np.zeros(shape, bool)
    size = np.array(shape[::-1])
    for polygon in polygons:
        points = np.reshape(polygon, (-1, 2)).astype(np.float64)
        if contour:
            drawn = np.zeros(shape, np.uint8)
            cv2.fillPoly(drawn, [np.rint(points).astype(np.int32)], 1)
            mask |= drawn > 0
            continue
        inside = _fill(points, shape)
        low, high = points.min(axis=0), points.max(axis=0)
        if not inside.any() and (high > 0).all() and (low < size).all():
            middle = np.clip((low + high) / 2, 0, size - 1).astype(int)
            inside[middle[1], middle[0]] = True
        mask |= inside
    if not mask.any():
        raise ValueError(
            f'polygon {str(polygons)[:60]} lies wholly outside; the image is '
            f'{shape[1]}x{shape[0]} px (width x height). Correct or remove it'
        )
    return mask.astype(np.uint8)


def _fill(points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Toggle, edge by edge, the pixel centers to the right of the edge."""
    inside = np.zeros(shape, bool)
    rows, columns = (np.arange(length) + 0.5 for length in shape)
    ends = np.roll(points, -1, axis=0)
    for (x1, y1), (x2, y2) in zip(points, ends, strict=True):
        (crossed,) = np.nonzero((y1 <= rows) != (y2 <= rows))
        if len(crossed):
            x = x1 + (rows[crossed] - y1) * (x2 - x1) / (y2 - y1)
            inside[crossed] ^= columns >= x[:, None]
    return inside
