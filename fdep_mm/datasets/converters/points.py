"""Reading and writing of point labels as a table."""

import csv
import math
from collections.abc import Mapping
from pathlib import Path

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
    rows = {}
    try:
        with path.open(newline='', encoding='utf-8-sig') as file:
            head = file.readline()
            file.seek(0)
            delimiter = max(',;\t', key=head.count)
            delimiter = delimiter if delimiter in head else ' '
            reader = csv.DictReader(
                file, delimiter=delimiter, skipinitialspace=True
            )
            reader.fieldnames = [n.strip() for n in reader.fieldnames or ()]
            if not set(COLUMNS) <= set(reader.fieldnames or ()):
                text = f'needs the columns {COLUMNS}, has {reader.fieldnames}'
                raise ValueError(text)
            for row in reader:
                row = {key: (row[key] or '').strip() for key in COLUMNS}
                if delimiter != ',':  # some numbers have a decimal comma
                    row |= {key: row[key].replace(',', '.') for key in 'xy'}
                point = _point(row, reader.line_num)
                name = row['image']
                name = name[1:] if name == cell(name[1:]) else name
                name = composed(strip_suffix(name))
                rows.setdefault(name, []).extend(point)
    except (OSError, ValueError, csv.Error) as error:
        raise ValueError(f'{path}: {error}') from error
    return {
        image_id: np.array(points, np.float64).reshape(-1, 2)
        for image_id, points in rows.items()
    }


def _point(row: dict, line: int) -> list[tuple[float, float]]:
    if leaves_root(row['image']):
        text = f'line {line}: {row["image"]!r} leads out of the image folder'
        raise ValueError(text)
    if not row['x'] and not row['y']:
        return []
    try:
        point = float(row['x']), float(row['y'])
    except (TypeError, ValueError):
        point = (math.nan, math.nan)
    if not all(map(math.isfinite, point)):
        text = f'x and y must be numbers, got {row["x"]!r} and {row["y"]!r}'
        raise ValueError(f'line {line}: {text}')
    return [point]
