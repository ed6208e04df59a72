"""Reading and writing of point labels as a table."""

import csv
import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import numpy as np

from fdep_mm.core.splits import leaves_root
from fdep_mm.core.suffixes import composed, strip_suffix
from fdep_mm.core.text import cell

COLUMNS = ('image', 'x', 'y')


def write_points(path: Path, points: Mapping[str, np.ndarray]) -> None:
    """Write a CSV table of centroids, one line per target.

    Takes (G, 2) by image id, x and y in px, 0 being the center of the first
    pixel. An image without targets has one line with empty coordinates.
    """
    with path.open('w', newline='', encoding='utf-8') as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for image_id, rows in points.items():
            for row in rows.tolist() or [('', '')]:
                writer.writerow((cell(image_id), *row))


def read_points(path: Path) -> dict[str, np.ndarray]:
    """Read the table of :func:`write_points`: (G, 2) float64 by image id.

    A comma, semicolon, tab or space divides the columns; images may have a
    suffix.

    Raises:
        ValueError: It cannot be read, lacks a column, has a coordinate that
            is no number, or an id leads out of the image folder.
    """
    found: dict[str, list] = {}
    try:
        with path.open(newline='', encoding='utf-8-sig') as file:
            for image_id, points in _read_rows(file):
                found.setdefault(image_id, []).extend(points)
    except (OSError, ValueError, csv.Error) as error:
        raise ValueError(f'{path}: {error}') from error
    return {
        image_id: np.array(points, np.float64).reshape(-1, 2)
        for image_id, points in found.items()
    }


def _read_rows(file: TextIO) -> Iterator[tuple[str, list[tuple]]]:
    """Image id and point, or none, of each row."""
    head = file.readline()
    file.seek(0)
    delimiter = max(',;\t', key=head.count)
    delimiter = delimiter if delimiter in head else ' '
    reader = csv.DictReader(file, delimiter=delimiter, skipinitialspace=True)
    reader.fieldnames = [n.strip() for n in reader.fieldnames or ()]
    if not set(COLUMNS) <= set(reader.fieldnames):
        text = f'needs the columns {COLUMNS}, has {reader.fieldnames}'
        raise ValueError(text)
    for row in reader:
        name, x, y = ((row[key] or '').strip() for key in COLUMNS)
        line = f'line {reader.line_num}'
        if leaves_root(name):
            raise ValueError(f'{line}: {name!r} leads out of the image folder')
        if delimiter != ',':  # some numbers have a decimal comma
            x, y = x.replace(',', '.'), y.replace(',', '.')
        plain = name[1:] if name == cell(name[1:]) else name
        yield composed(strip_suffix(plain)), _point(x, y, line)


def _point(x: str, y: str, line: str) -> list[tuple[float, float]]:
    if not x and not y:
        return []
    with suppress(ValueError):
        point = float(x), float(y)
        if all(map(math.isfinite, point)):
            return [point]
    raise ValueError(f'{line}: x and y must be numbers, got {x!r} and {y!r}')
