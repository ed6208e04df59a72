"""One picture of the images in which something was found."""

import cv2
import mmcv
import numpy as np

from fdep_mm.core.image import to_display
from fdep_mm.core.masks import read_mask

from .checker import Report
from .inspection import Record, decode_whole

CAPTION = 18
TARGET_COLOR = (60, 220, 60)  # BGR
BOX_COLOR = (0, 165, 255)
FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw_sheet(
    report: Report, number: int = 24, columns: int = 4, tile: int = 256
) -> np.ndarray:
    """Arrange the images with findings, then others evenly spread.

    Targets of the mask are outlined in green, boxes of box files are orange.
    Look-alikes stand side by side. Captions say what is wrong.

    Args:
        number (int): At most this many images.
        columns (int): Images per row, even so that pairs stay together.
        tile (int): Side of an image, px.

    Returns:
        np.ndarray: uint8 (H, W, 3), BGR; black if no image can be read.
    """
    chosen = _choose(report, number)
    tiles = [_tile(record, text, report, tile) for record, text in chosen]
    if not tiles:
        return np.zeros((tile, tile, 3), np.uint8)
    return arrange(tiles, columns)


def arrange(tiles: list[np.ndarray], columns: int) -> np.ndarray:
    """Put pictures of one size into rows; the last is filled with black."""
    blanks = [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    grid = np.stack([*tiles, *blanks])
    rows = grid.reshape(-1, columns, *tiles[0].shape)
    return np.vstack([np.hstack(row) for row in rows])


def outline(
    picture: np.ndarray, mask: np.ndarray, color: tuple[int, int, int]
) -> None:
    """Draw around the targets of a mask (H, W) {0, 1} of any size."""
    size, area = picture.shape[1::-1], cv2.INTER_AREA
    # nearest neighbors would lose targets
    small = cv2.resize(mask * np.uint8(255), size, interpolation=area)
    grown = cv2.dilate((small > 0).astype(np.uint8), np.ones((7, 7)))
    contours, _ = cv2.findContours(
        grown, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
    )
    cv2.drawContours(picture, contours, -1, color, 1)


def _choose(report: Report, number: int) -> list[tuple[Record, str]]:
    """Records with their captions: findings take turns with look-alikes."""
    readable = [r for r in report.records if r.shape is not None]
    wrong: dict[str, set[str]] = {}
    for code in report.findings.codes('error'):
        if code not in ('duplicate', 'near-duplicate'):
            for item in report.findings.items(code):
                wrong.setdefault(item.where, set()).add(code)
    chosen = [
        (record, ', '.join(sorted(wrong[record.sample.where])))
        for record in readable
        if record.sample.where in wrong
    ][: number // 2]
    chosen += [(None, '')] * (len(chosen) % 2)  # pairs start at even places
    for pair in (pair for leak in report.leaks for pair in leak.pairs):
        if len(chosen) + 2 > number:
            break
        text = 'same' if pair.identical else f'r = {pair.correlation:.4f}'
        chosen += [(pair.record, text), (pair.match, text)]
    room = number - len(chosen)
    places = np.linspace(0, len(readable) - 1, min(room, len(readable)))
    others = dict.fromkeys(places.round().astype(int).tolist())
    return chosen + [(readable[i], '') for i in others]


def _tile(
    record: Record | None, text: str, report: Report, side: int
) -> np.ndarray:
    blank = np.zeros((side, side, 3), np.uint8)
    if record is None:
        return blank
    gray = to_display(decode_whole(record.sample.image.read_bytes()))
    scale = (side - CAPTION) / max(gray.shape)
    picture = cv2.cvtColor(mmcv.imrescale(gray, scale), cv2.COLOR_GRAY2BGR)
    if record.targets:
        outline(picture, read_mask(record.sample.mask), TARGET_COLOR)
    if record.boxes is not None:
        check = report.boxes.get(record.sample.dataset)
        offset = np.array(check.offset) - 1 if check else 0
        boxes = np.rint((record.boxes - offset) * scale).astype(int)
        for x1, y1, x2, y2 in boxes.tolist():
            corners = (x1 - 2, y1 - 2), (x2 + 1, y2 + 1)
            cv2.rectangle(picture, *corners, BOX_COLOR, 1)
    blank[CAPTION : CAPTION + picture.shape[0], : picture.shape[1]] = picture
    sample = record.sample
    caption = f'{"+".join(sample.splits)} {sample.image_id} {text}'
    place = (3, CAPTION - 5)
    cv2.putText(blank, caption, place, FONT, 0.4, (255,) * 3, 1, cv2.LINE_AA)
    return blank
