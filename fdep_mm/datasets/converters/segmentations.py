"""COCO's segmentations of single targets: run lengths and polygons.

Polygons are filled here, not by pycocotools: it draws on a grid of 1/5 px,
which changes a target of a few pixels.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from fdep_mm.core import run_lengths


def to_mask(
    segmentation: dict | list, shape: tuple[int, int], contour: bool = False
) -> np.ndarray:
    """Mask (H, W) {0, 1} of one target, from run lengths or polygons.

    Raises:
        ValueError: There is no pixel of it in the image.
    """
    if isinstance(segmentation, list):
        return polygons_to_mask(segmentation, shape, contour)
    mask = run_lengths.decode(segmentation)
    if not mask.any():
        raise ValueError('a segmentation holds no pixel; remove it')
    return mask


def read_rle(rle: dict, shape: tuple[int, int]) -> dict:
    """Check run lengths of a file, and decompress them.

    Raises:
        ValueError: They are none, of another size, or do not add up.
    """
    counts = rle.get('counts')
    if isinstance(counts, str):
        counts = _decompress(counts)
    if list(rle.get('size', ())) != list(shape):
        size = f'{rle.get("size")}, its image {list(shape)} (height, width)'
        raise ValueError(f'a segmentation has size {size}')
    runs = np.array(counts, np.int64).ravel()
    if (runs < 0).any() or runs.sum() != shape[0] * shape[1]:
        raise ValueError(
            f'the runs of a segmentation add up to {runs.sum()} px, not to '
            f'{shape[0]}x{shape[1]}'
        )
    return dict(size=list(shape), counts=runs.tolist())


def _decompress(text: str) -> list[int]:
    """Runs of COCO's text.

    A character holds five bits of a number, the lowest first, and whether more
    follow. From the fourth on, numbers are added to the one before the last.
    """
    runs: list[int] = []
    value = shift = 0
    for character in text:
        code = ord(character) - 48
        value |= (code & 31) << shift
        shift += 5
        if code & 32:
            continue
        if code & 16:  # the sign
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    return runs


def check_polygons(polygons: Sequence, where: str) -> None:
    """Refuse what is no list of three or more finite points."""
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
    """Draw the polygons of one target as a mask, uint8 (H, W) {0, 1}.

    Pixels whose center is in a polygon (even-odd rule), or the one in the
    middle of a polygon that holds no center.

    Args:
        polygons (Sequence[Sequence[float]]): [x1, y1, x2, y2, ...] each in
            px, 0 being the left edge of the first pixel.
        contour (bool): The points are pixels of the target's border, 0 being
            the first pixel, as OpenCV finds contours.

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
            f'{shape[1]}x{shape[0]} px. Correct or remove it'
        )
    return mask.astype(np.uint8)


def _fill(points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Toggle, edge by edge, the pixel centers to the right of the edge."""
    inside = np.zeros(shape, bool)
    rows, columns = (np.arange(length) + 0.5 for length in shape)
    ends = np.roll(points, -1, axis=0)
    for (x1, y1), (x2, y2) in zip(points, ends, strict=True):
        # one end counts, the other not: a corner on a row is crossed once
        (crossed,) = np.nonzero((y1 <= rows) != (y2 <= rows))
        if len(crossed):
            x = x1 + (rows[crossed] - y1) * (x2 - x1) / (y2 - y1)
            inside[crossed] ^= columns >= x[:, None]
    return inside
