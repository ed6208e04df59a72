"""Scores of single images as a table, for paired statistics."""

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fdep_mm.core.text import cell

from .counts import EMPTY_VALUES, EvalProtocol, unpack

COLUMNS = ('name', 'inter', 'union', 'IoU', 'targets', 'hits', 'false_pixels')


def per_image_csv(
    names: Sequence[str], records: Sequence[np.ndarray], protocol: EvalProtocol
) -> str:
    """Write what was counted in each image at the protocol's threshold.

    Args:
        names (Sequence[str]): N different names.
        records (Sequence[np.ndarray]): N, of :func:`.counts.count_image`.
        protocol (EvalProtocol): The one they were counted with.

    Returns:
        str: Lines of ``name,inter,union,IoU,targets,hits,false_pixels``. IoU
        is a fraction, and missing where an empty image does not count; all
        others are numbers of pixels or targets.

    Raises:
        ValueError: There is no image, or names are missing or not different.
    """
    counts = unpack(records, protocol)
    if len(set(names)) != len(records):
        raise ValueError(
            f'{len(records)} images have {len(set(names))} different names; '
            'each needs one of its own'
        )
    k, empty = protocol.main, EMPTY_VALUES[protocol.empty]
    text = io.StringIO()
    table = csv.writer(text, lineterminator='\n')
    table.writerow(COLUMNS)
    for name, inter, union, targets, hits, false in zip(
        names,
        counts.inter[:, k],
        counts.union[:, k],
        counts.targets,
        counts.hits[:, k],
        counts.false_pixels[:, k],
        strict=True,
    ):
        iou = round(float(inter / union), 6) if union else empty
        iou = '' if math.isnan(iou) else iou
        table.writerow([cell(name), inter, union, iou, targets, hits, false])
    return text.getvalue()


def read_per_image(path: Path) -> dict[str, float]:
    """IoU of each image by name, NaN where there is none.

    Raises:
        ValueError: It is no file of :func:`per_image_csv`.
        OSError: It cannot be opened.
    """
    with open(path, newline='') as file:
        rows = csv.DictReader(file)
        if tuple(rows.fieldnames or ()) != COLUMNS:
            raise ValueError(
                f'{path}: its first line is not {",".join(COLUMNS)}'
            )
        return {row['name']: float(row['IoU'] or 'nan') for row in rows}
