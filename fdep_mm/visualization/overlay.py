"""Pictures of one image with its hits, misses and false alarms."""

from typing import NamedTuple

import cv2
import numpy as np
from scipy import ndimage

from fdep_mm.core.image import enlarge, least_scale, to_display
from fdep_mm.core.matching import MatchedMasks, match_masks

Box = tuple[slice, slice]  # rows and columns
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

    name: str
    color: Color
    pixels: np.ndarray  # (H, W) bool, of all components
    boxes: list[Box]


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
    each, misses first and false alarms last, with its own contrast and with
    detections that hit outlined in blue. A legend below counts them.

    Args:
        image (np.ndarray): (H, W) or (H, W, C), see :func:`to_display`.
        pred (np.ndarray): (H, W) bool, the thresholded prediction.
        mask (np.ndarray): (H, W) bool, the ground truth.
        radius (float): Of a hit, in px, exclusive.
        match (str): 'greedy' or 'hungarian'.
        connectivity (int): 8 or 4.
        min_side (int): The image is enlarged by the smallest integer factor
            that makes its shorter side at least this, in px; from 64.
        max_zooms (int): Most close-ups; the rest is marked in the image only,
            and counted in the legend.
        legend (bool): Add the legend, in smaller letters if there is less than
            about 900 px of width.

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
    layers = _layers(match_masks(pred, mask, radius, match, connectivity))
    marked = layers[:3]  # not the detections that hit
    marks = [(box, layer.color) for layer in marked for box in layer.boxes]
    scale = least_scale(mask.shape, min_side)
    main = _outline(to_display(image), scale, marked)
    size = 0.6 if len(main) >= 480 else 0.4
    for number, (box, color) in enumerate(marks, start=1):
        text = str(number) if number <= max_zooms else ''
        _mark(main, box, scale, color, text, size)
    zooms = _zooms(image, layers, marks[:max_zooms], len(main), size)
    picture = np.concatenate([main, zooms], axis=1)
    if not legend:
        return picture
    strip = _fit(_legend(layers, len(marks) - max_zooms), 36, picture.shape[1])
    return np.concatenate([picture, strip])


def _layers(found: MatchedMasks) -> list[Layer]:
    """Misses, hits, false alarms, and the detections that hit."""
    targets, detections = found.target_labels, found.detection_labels
    layers = []
    for name, color, labels, chosen in (
        ('miss', MISS, targets, ~found.target_hit),
        ('hit', HIT, targets, found.target_hit),
        ('false alarm', FALSE_ALARM, detections, ~found.detection_hit),
        ('detection that hit', DETECTION, detections, found.detection_hit),
    ):
        chosen = np.flatnonzero(chosen)
        boxes = ndimage.find_objects(labels)
        pixels = np.isin(labels, chosen + 1)
        layers.append(Layer(name, color, pixels, [boxes[i] for i in chosen]))
    return layers


def _outline(gray: np.ndarray, scale: int, layers: list[Layer]) -> np.ndarray:
    """Outline components around their pixels, the first layer on top."""
    canvas = cv2.cvtColor(enlarge(gray, scale), cv2.COLOR_GRAY2RGB)
    width = 1 + (scale > 2)
    square = np.ones((2 * width + 1, 2 * width + 1), np.uint8)
    for layer in reversed(layers):
        large = enlarge(layer.pixels.astype(np.uint8), scale)
        canvas[cv2.dilate(large, square) > large] = layer.color
    return canvas


def _mark(
    canvas: np.ndarray,
    box: Box,
    scale: int,
    color: Color,
    text: str,
    size: float,
) -> None:
    """Circle a component that is no hit, and write its number beside it."""
    rows, cols = box
    x, y = ((s.start + s.stop) * scale // 2 for s in (cols, rows))
    longest = max(rows.stop - rows.start, cols.stop - cols.start)
    around = longest * scale // 2 + 12
    if color != HIT:
        cv2.circle(canvas, (x, y), around, color, 2, cv2.LINE_AA)
    width, height = cv2.getTextSize(text, FONT, size, 1)[0]
    left = x + around
    if left + width > canvas.shape[1]:
        left = max(0, x - around - width)
    base = min(max(y - around // 2, height + 2), len(canvas) - 2)
    _write(canvas, text, (left, base), color, size)


def _write(
    canvas: np.ndarray,
    text: str,
    place: tuple[int, int],
    color: Color,
    size: float,
) -> None:
    for shade, width in ((DARK, 3), (color, 1)):
        cv2.putText(canvas, text, place, FONT, size, shade, width, cv2.LINE_AA)


def _zooms(
    image: np.ndarray,
    layers: list[Layer],
    marks: list[tuple[Box, Color]],
    height: int,
    size: float,
) -> np.ndarray:
    """Columns of close-ups, `height` px high; empty places stay dark."""
    tile = height // ZOOMS
    columns = max(1, -(-len(marks) // ZOOMS))
    block = np.full((height, columns * tile, 3), DARK, np.uint8)
    for place, (box, color) in enumerate(marks):
        part = tuple(map(_window, box, image.shape[:2]))
        inside = [one._replace(pixels=one.pixels[part]) for one in layers]
        gray = to_display(image[part])
        close_up = _outline(gray, -(-tile // max(gray.shape)), inside)
        left, top = (tile * n for n in divmod(place, ZOOMS))
        framed = block[top : top + tile, left : left + tile]
        framed[:] = color
        framed[3:-3, 3:-3] = _fit(close_up, tile - 6, tile - 6)
        _write(framed, str(place + 1), (8, round(36 * size)), color, size)
    return block


def _window(extent: slice, length: int) -> slice:
    """Stretch of at least ZOOM_SIDE px around a component, in the image."""
    side = min(length, max(ZOOM_SIDE, extent.stop - extent.start + 8))
    first = (extent.start + extent.stop - side) // 2
    first = min(max(0, first), length - side)
    return slice(first, first + side)


def _fit(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """Shrink to fit, without distortion; what is left over is dark."""
    scale = min(1, height / picture.shape[0], width / picture.shape[1])
    rows, cols = (max(1, round(n * scale)) for n in picture.shape[:2])
    fitted = np.full((height, width, 3), DARK, np.uint8)
    fitted[:rows, :cols] = cv2.resize(
        picture, (cols, rows), interpolation=cv2.INTER_AREA
    )
    return fitted


def _legend(layers: list[Layer], rest: int) -> np.ndarray:
    """A strip of colored squares and what they stand for."""
    entries = [(f'{one.name} {len(one.boxes)}', one.color) for one in layers]
    if rest > 0:
        entries.append((f'{rest} without close-up', GRAY))
    parts = []
    for text, color in entries:
        width = 44 + cv2.getTextSize(text, FONT, 0.6, 1)[0][0]
        part = np.full((36, width, 3), DARK, np.uint8)
        part[13:25, 12:24] = color
        cv2.putText(part, text, (32, 25), FONT, 0.6, color, 1, cv2.LINE_AA)
        parts.append(part)
    return np.concatenate(parts, axis=1)
