"""Pictures of one image with its hits, misses and false alarms."""

from itertools import chain, zip_longest
from typing import NamedTuple

import cv2
import numpy as np
from scipy import ndimage

from fdep_mm.evaluation.functional import match_masks

# RGB; distinguishable for most colour-blind people and on grey.
HIT = (60, 220, 60)
MISS = (255, 40, 255)
FALSE_ALARM = (255, 165, 0)
DETECTION = (0, 200, 255)
FONT = cv2.FONT_HERSHEY_SIMPLEX

ZOOMS = 3
ZOOM_SIDE = 24


class Mark(NamedTuple):
    """A component to be marked.

    Attributes:
        crop (np.ndarray): (h, w) uint8 {0, 1}, its bounding box.
        top (int): Row of the box in the image.
        left (int): Column of the box in the image.
        color (tuple[int, int, int]): RGB, 0..255.
        circle (bool): Whether to circle it beside outlining it.
    """

    crop: np.ndarray
    top: int
    left: int
    color: tuple[int, int, int]
    circle: bool


def to_display(image: np.ndarray) -> np.ndarray:
    """Stretch any image to 8-bit grey, from its minimum to its maximum.

    Args:
        image (np.ndarray): (H, W) or (H, W, C) of any type and range; a
            fourth channel (alpha) is ignored.

    Returns:
        np.ndarray: (H, W) uint8.
    """
    grey = image[..., :3].mean(axis=-1) if image.ndim == 3 else image
    grey = np.nan_to_num(grey.astype(np.float32))
    span = max(float(np.ptp(grey)), 1e-12)
    return ((grey - grey.min()) / span * 255).astype(np.uint8)


def draw_overlay(
    image: np.ndarray,
    pred: np.ndarray,
    mask: np.ndarray,
    radius: float = 3.0,
    match: str = 'greedy',
    connectivity: int = 8,
    min_side: int = 768,
) -> np.ndarray:
    """Mark hits, misses and false alarms in an enlarged image.

    Targets that were hit are outlined in green; misses are circled in magenta
    and false alarms in orange. Beside the image are close-ups of the first
    three of misses, hits and false alarms, taken in turn, with the outline of
    detections that hit in blue. Below it a legend counts them.

    Args:
        image (np.ndarray): (H, W) or (H, W, C), see :func:`to_display`.
        pred (np.ndarray): (H, W) bool, the thresholded prediction.
        mask (np.ndarray): (H, W) bool, the ground truth.
        radius (float): Of a hit, in px, exclusive. Defaults to 3.
        match (str): 'greedy' or 'hungarian'. Defaults to 'greedy'.
        connectivity (int): 8 or 4. Defaults to 8.
        min_side (int): The image is enlarged by the smallest integer factor
            that makes its shorter side at least this, in px. Defaults to 768.

    Returns:
        np.ndarray: (H', W', 3) uint8, RGB.

    Raises:
        ValueError: If the shapes of the three differ.
    """
    if not image.shape[:2] == pred.shape == mask.shape:
        raise ValueError(
            f'image {image.shape[:2]}, prediction {pred.shape} and mask '
            f'{mask.shape} must have one size; resize the image'
        )
    found = match_masks(pred, mask, radius, match, connectivity)
    hits = _marks(found.target_labels, found.target_hit, HIT, False)
    misses = _marks(found.target_labels, ~found.target_hit, MISS, True)
    false = _marks(
        found.detection_labels, ~found.detection_hit, FALSE_ALARM, True
    )
    used = _marks(
        found.detection_labels, found.detection_hit, DETECTION, False
    )
    grey = to_display(image)
    marks = [*false, *hits, *misses]
    main = _draw(grey, max(1, -(-min_side // min(mask.shape))), marks)
    in_turn = chain.from_iterable(zip_longest(misses, hits, false))
    shown = [mark for mark in in_turn if mark is not None][:ZOOMS]
    zooms = _zooms(grey, [*used, *marks], shown, main.shape[0])
    counts = (
        (f'hit {len(hits)}', HIT),
        (f'miss {len(misses)}', MISS),
        (f'false alarm {len(false)}', FALSE_ALARM),
        ('detection that hit (close-ups)', DETECTION),
    )
    picture = np.concatenate([main, zooms], axis=1)
    return np.concatenate([picture, _legend(counts, picture.shape[1])])


def _marks(
    labels: np.ndarray,
    chosen: np.ndarray,
    color: tuple[int, int, int],
    circle: bool,
) -> list[Mark]:
    boxes = ndimage.find_objects(labels)
    marks = []
    for index in np.flatnonzero(chosen).tolist():
        rows, cols = boxes[index]
        crop = (labels[rows, cols] == index + 1).astype(np.uint8)
        marks.append(Mark(crop, rows.start, cols.start, color, circle))
    return marks


def _draw(grey: np.ndarray, scale: int, marks: list[Mark]) -> np.ndarray:
    """Enlarge an image and draw marks around, not on, their pixels."""
    large = grey.repeat(scale, axis=0).repeat(scale, axis=1)
    canvas = cv2.cvtColor(large, cv2.COLOR_GRAY2RGB)
    for crop, top, left, color, circle in marks:
        height, width = crop.shape
        crop = crop.repeat(scale, axis=0).repeat(scale, axis=1)
        # One pixel of margin on each side for the outline to lie in.
        outer = cv2.dilate(np.pad(crop, 1), np.ones((3, 3), np.uint8))
        contours, _ = cv2.findContours(
            outer,
            cv2.RETR_EXTERNAL,
            cv2.CHAIN_APPROX_NONE,
            offset=(left * scale - 1, top * scale - 1),
        )
        cv2.drawContours(canvas, contours, -1, color, 1 + (scale > 2))
        if circle:
            center = (
                (2 * left + width) * scale // 2,
                (2 * top + height) * scale // 2,
            )
            size = max(height, width) * scale // 2 + 12
            cv2.circle(canvas, center, size, color, 2, cv2.LINE_AA)
    return canvas


def _zooms(
    grey: np.ndarray, marks: list[Mark], shown: list[Mark], height: int
) -> np.ndarray:
    """Column of close-ups, `height` px high; empty places stay dark."""
    tile = height // ZOOMS
    column = np.full((height, tile, 3), 30, np.uint8)
    for place, center in enumerate(shown):
        rows = _window(center.top, center.crop.shape[0], grey.shape[0])
        cols = _window(center.left, center.crop.shape[1], grey.shape[1])
        part = grey[rows, cols]
        moved = [
            mark._replace(
                top=mark.top - rows.start,
                left=mark.left - cols.start,
                circle=False,
            )
            for mark in marks
        ]
        close_up = _draw(part, max(1, -(-tile // max(part.shape))), moved)
        border = cv2.copyMakeBorder(
            cv2.resize(close_up, (tile - 6, tile - 6)),
            *(3, 3, 3, 3),
            cv2.BORDER_CONSTANT,
            value=center.color,
        )
        column[place * tile : (place + 1) * tile] = border
    return column


def _window(start: int, extent: int, length: int) -> slice:
    """Stretch of at least ZOOM_SIDE px around a component, in the image."""
    side = min(length, max(ZOOM_SIDE, extent + 8))
    first = min(max(0, start + (extent - side) // 2), length - side)
    return slice(first, first + side)


def _legend(
    entries: tuple[tuple[str, tuple[int, int, int]], ...], width: int
) -> np.ndarray:
    strip = np.full((36, width, 3), 30, np.uint8)
    left = 12
    for text, color in entries:
        cv2.putText(strip, text, (left, 25), FONT, 0.6, color, 1, cv2.LINE_AA)
        left += cv2.getTextSize(text, FONT, 0.6, 1)[0][0] + 30
    return strip
