"""Reading and writing of YOLO's text files."""

from pathlib import Path

import numpy as np


def format_yolo(boxes: np.ndarray, shape: tuple[int, int]) -> str:
    """Text of the label file of an image (height, width): class 0.

    A line ``0 x y width height`` for each target: its center and size as
    fractions of the image.
    """
    width_height = np.array(shape[::-1], np.float64)
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2 / width_height
    sizes = (boxes[:, 2:] - boxes[:, :2]) / width_height
    rows = np.hstack([centers, sizes]).tolist()
    return ''.join(
        f'0 {" ".join(f"{value:.9g}" for value in row)}\n' for row in rows
    )


def read_yolo(path: Path, shape: tuple[int, int]) -> np.ndarray:
    """Boxes (G, 4) of a label file, 0-based and half-open, to about 1e-5 px.

    Every class counts as target.

    Raises:
        ValueError: It cannot be read, or a line has not five numbers, the
            last four of them within 0..1.
    """
    try:
        lines = path.read_text(encoding='utf-8-sig').splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f'{path}: cannot be read: {error}') from error
    rows = [
        _row(line, f'{path}, line {number}')
        for number, line in enumerate(lines, 1)
        if line.strip()
    ]
    rows = np.array(rows, np.float64).reshape(-1, 4) * (shape[::-1] * 2)
    half = rows[:, 2:] / 2
    return np.hstack([rows[:, :2] - half, rows[:, :2] + half])


def _row(line: str, where: str) -> list[float]:
    try:
        values = [float(word) for word in line.split()]
    except ValueError:
        values = []
    if len(values) != 5 or not all(0 <= value <= 1 for value in values[1:]):
        raise ValueError(
            f'{where}: give "class x y width height" in fractions of the '
            f'image, not {line.strip()[:60]!r}'
        )
    return values[1:]
