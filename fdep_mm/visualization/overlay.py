"""Pictures of one image with its hits, misses and false alarms."""

from typing import NamedTuple

import cv2
import numpy as np
from scipy import ndimage

from fdep_mm.core.image import to_display
from fdep_mm.core.matching import match_masks

# RGB; distinguishable for most colour-blind people and on grey.
HIT = (60, 220, 60)
MISS = (255, 40, 255)
FALSE_ALARM = (255, 165, 0)
DETECTION = (0, 200, 255)
GREY = (200, 200, 200)
DARK = (30, 30, 30)
FONT = cv2.FONT_HERSHEY_SIMPLEX

ZOOMS = 3  # per column
ZOOM_SIDE = 24


class Mark(NamedTuple):
    """A component to be marked.

    Attributes:
        crop (np.ndarray): (h, w) uint8 {0, 1}, its bounding box.
        color (tuple[int, int, int]): RGB, 0..255.
    """

    crop: np.ndarray
    top: int
    left: int
    color: tuple[int, int, int]
    circle: bool


def draw_overlay(
    image: np.ndarray,
    pred: np.ndarray,
    mask: np.ndarray,
    radius: float = 3.0,
    match: str = 'greedy',
    connectivity: int = 8,
    min_side: int = 768,
    max_zooms: int = 12,
    legend: bool = True,
) -> np.ndarray:
    """Mark hits, misses and false alarms in an enlarged image.

    Targets that were hit are outlined in green; misses are circled in magenta
    and false alarms in orange. Beside the image is a numbered close-up of
    each, misses first and false alarms last, with a contrast of its own and
    with the outline of detections that hit in blue. A legend below counts
    them.

    Args:
        image (np.ndarray): (H, W) or (H, W, C), see :func:`to_display`.
        pred (np.ndarray): (H, W) bool, the thresholded prediction.
        mask (np.ndarray): (H, W) bool, the ground truth.
        radius (float): Of a hit, in px, exclusive.
        match (str): 'greedy' or 'hungarian'.
        connectivity (int): 8 or 4.
        min_side (int): The image is enlarged by the smallest integer factor
            that makes its shorter side at least this, in px.
        max_zooms (int): Most close-ups; what is beyond is marked in the image
            only, and counted in the legend.
        legend (bool): Whether to add the legend.

    Returns:
        np.ndarray: (H', W', 3) uint8, RGB.

    Raises:
        ValueError: If the shapes of the three differ or `min_side` is below
            64.
    """
    if min_side < 64:
        raise ValueError(f'min_side must be at least 64 px, got {min_side}')
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
    scale = max(1, -(-min_side // min(mask.shape)))
    shown = [*misses, *hits, *false][:max_zooms]
    main = _draw(to_display(image), scale, [*false, *hits, *misses])
    _number(main, scale, shown)
    marks = [*used, *false, *hits, *misses]
    zooms = _zooms(image, marks, shown, main.shape[0])
    picture = np.concatenate([main, zooms], axis=1)
    if not legend:
        return picture
    entries = [
        (f'hit {len(hits)}', HIT),
        (f'miss {len(misses)}', MISS),
        (f'false alarm {len(false)}', FALSE_ALARM),
        ('detection that hit', DETECTION),
    ]
    rest = len(hits) + len(misses) + len(false) - len(shown)
    if rest:
        entries.append((f'{rest} without close-up', GREY))
    return np.concatenate([picture, _legend(entries, picture.shape[1])])


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


def _number(canvas: np.ndarray, scale: int, shown: list[Mark]) -> None:
    """Write the numbers of the close-ups beside their marks, in place."""
    for number, mark in enumerate(shown, 1):
        height, width = mark.crop.shape
        gap = max(height, width) * scale // 2 + 12
        text = str(number)
        size = cv2.getTextSize(text, FONT, _font_scale(canvas), 1)[0]
        left = (2 * mark.left + width) * scale // 2 + gap
        if left + size[0] > canvas.shape[1]:
            left -= 2 * gap + size[0]
        base = (2 * mark.top + height) * scale // 2 - gap // 2
        base = min(max(base, size[1] + 2), canvas.shape[0] - 2)
        place = (max(left, 0), base)
        _write(canvas, text, place, mark.color, _font_scale(canvas))


def _font_scale(canvas: np.ndarray) -> float:
    return 0.6 if min(canvas.shape[:2]) >= 480 else 0.4


def _write(
    canvas: np.ndarray,
    text: str,
    place: tuple[int, int],
    color: tuple[int, int, int],
    size: float,
) -> None:
    for shade, thickness in ((DARK, 3 if size > 0.5 else 2), (color, 1)):
        cv2.putText(
            canvas, text, place, FONT, size, shade, thickness, cv2.LINE_AA
        )


def _zooms(
    image: np.ndarray, marks: list[Mark], shown: list[Mark], height: int
) -> np.ndarray:
    """Columns of close-ups, `height` px high; empty places stay dark."""
    tile = height // ZOOMS
    columns = max(1, -(-len(shown) // ZOOMS))
    block = np.full((height, columns * tile, 3), DARK, np.uint8)
    for place, center in enumerate(shown):
        rows = _window(center.top, center.crop.shape[0], image.shape[0])
        cols = _window(center.left, center.crop.shape[1], image.shape[1])
        part = to_display(image[rows, cols])
        moved = [
            mark._replace(
                top=mark.top - rows.start,
                left=mark.left - cols.start,
                circle=False,
            )
            for mark in marks
            if _overlaps(mark, rows, cols)
        ]
        close_up = _draw(part, max(1, -(-tile // max(part.shape))), moved)
        border = cv2.copyMakeBorder(
            _fit(close_up, tile - 6),
            *(3, 3, 3, 3),
            cv2.BORDER_CONSTANT,
            value=center.color,
        )
        size = 0.6 if tile >= 160 else 0.4
        corner = (8, round(36 * size))
        _write(border, str(place + 1), corner, center.color, size)
        column, row = divmod(place, ZOOMS)
        block[
            row * tile : (row + 1) * tile, column * tile : (column + 1) * tile
        ] = border
    return block


def _overlaps(mark: Mark, rows: slice, cols: slice) -> bool:
    height, width = mark.crop.shape
    return (
        mark.top < rows.stop
        and mark.top + height > rows.start
        and mark.left < cols.stop
        and mark.left + width > cols.start
    )


def _fit(picture: np.ndarray, side: int) -> np.ndarray:
    """Into a square without distortion; the rest is dark."""
    scale = side / max(picture.shape[:2])
    height, width = (max(1, round(n * scale)) for n in picture.shape[:2])
    square = np.full((side, side, 3), DARK, np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = cv2.resize(
        picture, (width, height), interpolation=cv2.INTER_AREA
    )
    return square


def _window(start: int, extent: int, length: int) -> slice:
    """Stretch of at least ZOOM_SIDE px around a component, in the image."""
    side = min(length, max(ZOOM_SIDE, extent + 8))
    first = min(max(0, start + (extent - side) // 2), length - side)
    return slice(first, first + side)


def _legend(
    entries: list[tuple[str, tuple[int, int, int]]], width: int
) -> np.ndarray:
    """Strips of 36 px, as many as the entries need."""
    places, left, row = [], 12, 0
    for text, _ in entries:
        extent = 20 + cv2.getTextSize(text, FONT, 0.6, 1)[0][0]
        if left > 12 and left + extent > width:
            left, row = 12, row + 1
        places.append((left, 36 * row + 25))
        left += extent + 24
    strip = np.full((36 * (row + 1), width, 3), DARK, np.uint8)
    for (text, color), (left, base) in zip(entries, places, strict=True):
        strip[base - 12 : base, left : left + 12] = color
        place = (left + 20, base)
        cv2.putText(strip, text, place, FONT, 0.6, color, 1, cv2.LINE_AA)
    return strip
