"""Pictures of one image with its hits, misses and false alarms."""

from typing import NamedTuple

import cv2
import numpy as np
from scipy import ndimage

from fdep_mm.core.image import to_display
from fdep_mm.core.matching import match_masks

Color = tuple[int, int, int]
# RGB; distinguishable for most color-blind people and on gray.
HIT = (60, 220, 60)
MISS = (255, 40, 255)
FALSE_ALARM = (255, 165, 0)
DETECTION = (0, 200, 255)
GRAY = (200, 200, 200)
DARK = (30, 30, 30)
FONT = cv2.FONT_HERSHEY_SIMPLEX

ZOOMS = 3  # per column
ZOOM_SIDE = 24


class Layer(NamedTuple):
    """Components to be marked in one color."""

    pixels: np.ndarray  # (H, W) bool, of all components
    boxes: list[tuple[slice, slice]]  # rows and columns of each
    color: Color


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
            that makes its shorter side at least this, in px; from 64.
        max_zooms (int): Most close-ups; what is beyond is marked in the image
            only, and counted in the legend.
        legend (bool): Whether to add the legend.

    Returns:
        np.ndarray: (H', W', 3) uint8, RGB.

    Raises:
        ValueError: The shapes of the three differ or `min_side` is too small.
    """
    if min_side < 64:
        raise ValueError(f'min_side must be at least 64 px, got {min_side}')
    if not image.shape[:2] == pred.shape == mask.shape:
        raise ValueError(
            f'image {image.shape[:2]}, prediction {pred.shape} and mask '
            f'{mask.shape} must have one size; resize the image'
        )
    found = match_masks(pred, mask, radius, match, connectivity)
    targets, detections = found.target_labels, found.detection_labels
    hits = _layer(targets, found.target_hit, HIT)
    misses = _layer(targets, ~found.target_hit, MISS)
    false = _layer(detections, ~found.detection_hit, FALSE_ALARM)
    used = _layer(detections, found.detection_hit, DETECTION)

    scale = max(1, -(-min_side // min(mask.shape)))
    layers = (misses, hits, false)
    marked = [(box, layer.color) for layer in layers for box in layer.boxes]
    shown = marked[:max_zooms]
    main = _outline(to_display(image), scale, [false, hits, misses])
    for box, color in marked:
        if color != HIT:
            x, y, around = _circle(box, scale)
            cv2.circle(main, (x, y), around, color, 2, cv2.LINE_AA)
    for number, (box, color) in enumerate(shown, 1):
        _number(main, str(number), _circle(box, scale), color)
    zooms = _zooms(image, [used, false, hits, misses], shown, main.shape[0])
    picture = np.concatenate([main, zooms], axis=1)
    if not legend:
        return picture
    entries = [
        (f'hit {len(hits.boxes)}', HIT),
        (f'miss {len(misses.boxes)}', MISS),
        (f'false alarm {len(false.boxes)}', FALSE_ALARM),
        ('detection that hit', DETECTION),
    ]
    if rest := len(marked) - len(shown):
        entries.append((f'{rest} without close-up', GRAY))
    return np.concatenate([picture, _legend(entries, picture.shape[1])])


def _layer(labels: np.ndarray, chosen: np.ndarray, color: Color) -> Layer:
    """The chosen components; entry i of `chosen` is of label i + 1."""
    boxes = ndimage.find_objects(labels)
    chosen = np.flatnonzero(chosen)
    pixels = np.isin(labels, chosen + 1)
    return Layer(pixels, [boxes[i] for i in chosen], color)


def _outline(gray: np.ndarray, scale: int, layers: list[Layer]) -> np.ndarray:
    """Enlarge an image and outline components around, not on, their pixels."""
    canvas = cv2.cvtColor(_enlarge(gray, scale), cv2.COLOR_GRAY2RGB)
    width = 1 + (scale > 2)
    square = np.ones((2 * width + 1, 2 * width + 1), np.uint8)
    for pixels, _, color in layers:
        large = _enlarge(pixels.astype(np.uint8), scale)
        canvas[cv2.dilate(large, square) > large] = color
    return canvas


def _enlarge(image: np.ndarray, scale: int) -> np.ndarray:
    return image.repeat(scale, axis=0).repeat(scale, axis=1)


def _circle(box: tuple[slice, slice], scale: int) -> tuple[int, int, int]:
    """x, y and radius of a circle around a box, in px of the picture."""
    rows, cols = box
    longest = max(rows.stop - rows.start, cols.stop - cols.start)
    x, y = ((s.start + s.stop) * scale // 2 for s in (cols, rows))
    return x, y, longest * scale // 2 + 12


def _number(
    canvas: np.ndarray, text: str, circle: tuple[int, int, int], color: Color
) -> None:
    """Write the number of a close-up beside its mark, within the picture."""
    x, y, around = circle
    size = 0.6 if min(canvas.shape[:2]) >= 480 else 0.4
    width, height = cv2.getTextSize(text, FONT, size, 1)[0]
    left = x + around
    if left + width > canvas.shape[1]:
        left = max(0, x - around - width)
    base = min(max(y - around // 2, height + 2), canvas.shape[0] - 2)
    _write(canvas, text, (left, base), color, size)


def _write(
    canvas: np.ndarray,
    text: str,
    place: tuple[int, int],
    color: Color,
    size: float,
) -> None:
    for shade, thickness in ((DARK, 3 if size > 0.5 else 2), (color, 1)):
        cv2.putText(
            canvas, text, place, FONT, size, shade, thickness, cv2.LINE_AA
        )


def _zooms(
    image: np.ndarray,
    layers: list[Layer],
    shown: list[tuple[tuple[slice, slice], Color]],
    height: int,
) -> np.ndarray:
    """Columns of close-ups, `height` px high; empty places stay dark."""
    tile = height // ZOOMS
    columns = max(1, -(-len(shown) // ZOOMS))
    block = np.full((height, columns * tile, 3), DARK, np.uint8)
    size = 0.6 if tile >= 160 else 0.4
    for place, (box, color) in enumerate(shown):
        part = tuple(map(_window, box, image.shape[:2]))
        inside = [one._replace(pixels=one.pixels[part]) for one in layers]
        gray = to_display(image[part])
        close_up = _outline(gray, max(1, -(-tile // max(gray.shape))), inside)
        framed = cv2.copyMakeBorder(
            _fit(close_up, tile - 6),
            *(3, 3, 3, 3),
            cv2.BORDER_CONSTANT,
            value=color,
        )
        _write(framed, str(place + 1), (8, round(36 * size)), color, size)
        left, top = (tile * n for n in divmod(place, ZOOMS))
        block[top : top + tile, left : left + tile] = framed
    return block


def _window(extent: slice, length: int) -> slice:
    """Stretch of at least ZOOM_SIDE px around a component, in the image."""
    side = min(length, max(ZOOM_SIDE, extent.stop - extent.start + 8))
    first = (extent.start + extent.stop - side) // 2
    first = min(max(0, first), length - side)
    return slice(first, first + side)


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


def _legend(entries: list[tuple[str, Color]], width: int) -> np.ndarray:
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
