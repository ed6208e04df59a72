"""The printed and the stored form of scores and curves."""

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from prettytable import PrettyTable

from fdep_mm.core.text import cell
from fdep_mm.core.whole import write_json_whole

from .counts import EMPTY_VALUES, EvalProtocol, unpack

# As the field prints them: percent, and Fa in false pixels per million.
SCALES = dict(HSE=1e2, HSE_P=1e2, HSE_T=1e2, IoU=1e2, nIoU=1e2, Pd=1e2, Fa=1e6)
COLUMNS = ('name', 'inter', 'union', 'IoU', 'targets', 'hits', 'false_pixels')


def scale_scores(scores: Mapping[str, float]) -> dict[str, float]:
    """Scale fractions to the field's units: Fa x1e6, all others x100."""
    return {key: value * SCALES[key] for key, value in scores.items()}


def format_table(scores: Mapping[str, float]) -> str:
    """Format all seven scores, given as fractions, as a table of one row."""
    table = PrettyTable(
        [f'{key} (1e-6)' if key == 'Fa' else f'{key} (%)' for key in SCALES]
    )
    scaled = scale_scores(scores)
    table.add_row([f'{scaled[key]:.2f}' for key in SCALES])
    return table.get_string()


def plain(value: float | np.ndarray) -> float | list | None:
    """Numbers and arrays as JSON takes them, which has null for NaN."""
    if np.ndim(value):
        return [plain(item) for item in value]
    value = float(value)
    return None if math.isnan(value) else value


def as_json(
    scores: Mapping[str, float],
    curves: Mapping[str, np.ndarray],
    settings: Mapping[str, object],
) -> dict:
    """Scores, curves and the settings that they depend on, for JSON."""
    return dict(
        scores={key: plain(value) for key, value in scores.items()},
        curves={key: plain(value) for key, value in curves.items()},
        settings=dict(settings),
    )


def write_json(path: Path, *evaluation: Mapping) -> None:
    """Store the arguments of :func:`as_json`; folders are made."""
    write_json_whole(path, as_json(*evaluation), 'run again')


def read_json(
    path: Path,
) -> tuple[dict[str, float], dict[str, np.ndarray], dict]:
    """Scores, curves and settings that :func:`write_json` or a test stored."""
    try:
        content = json.loads(path.read_text())
        scores = {
            key: math.nan if value is None else float(value)
            for key, value in content['scores'].items()
        }
        curves = {
            key: np.array(value, dtype=np.float64)
            for key, value in content['curves'].items()
        }
        num = len(curves['thresholds'])
        if not curves['F1'].size:  # counted without tolerances
            curves['F1'] = np.zeros((0, num))
        if missing := SCALES.keys() - scores.keys():
            raise ValueError(f'there is no {", ".join(sorted(missing))}')
        for key in ('IoU', 'nIoU', 'Pd', 'Fa', 'TPR', 'FPR', *curves):
            if key != 'tolerances' and curves[key].shape[-1:] != (num,):
                raise ValueError(f'{key} is not of {num} thresholds')
        return scores, curves, dict(content['settings'])
    except (
        *(ValueError, TypeError, KeyError, AttributeError),
        RecursionError,  # of JSON that is too deep
    ) as error:
        raise ValueError(
            f'{path}: not a file of scores and curves ({error!r}); give one '
            'that eval_pngs.py --json, HSEHook or ResultWriterHook wrote'
        ) from error


def per_image_csv(
    names: Sequence[str], records: Sequence[np.ndarray], protocol: EvalProtocol
) -> str:
    """Write what was counted in each image at the protocol's threshold.

    Args:
        names (Sequence[str]): N different names.
        records (Sequence[np.ndarray]): N, of :func:`.counts.count_image`.
        protocol (EvalProtocol): The one they were counted with.

    Returns:
        str: Lines of `COLUMNS`. IoU is a fraction, and missing where an empty
        image does not count; all others are numbers of pixels or targets.
    """
    counts = unpack(records, protocol)
    if len(set(names)) != len(records):
        raise ValueError(
            f'{len(records)} images have {len(set(names))} different names; '
            'each needs one of its own'
        )
    k, empty = protocol.main, EMPTY_VALUES[protocol.empty]
    swept = (counts.inter, counts.union, counts.hits, counts.false_pixels)
    inters, unions, all_hits, falses = (column[:, k] for column in swept)
    columns = (names, inters, unions, counts.targets, all_hits, falses)
    text = io.StringIO()
    table = csv.writer(text, lineterminator='\n')
    table.writerow(COLUMNS)
    for name, inter, union, targets, hits, false in zip(*columns, strict=True):
        iou = round(float(inter / union), 6) if union else empty
        iou = '' if math.isnan(iou) else iou
        table.writerow([cell(name), inter, union, iou, targets, hits, false])
    return text.getvalue()


def read_per_image(path: Path) -> dict[str, float]:
    """IoU of each image by name, NaN where there is none."""
    with open(path, newline='') as file:
        rows = csv.DictReader(file)
        if tuple(rows.fieldnames or ()) != COLUMNS:
            raise ValueError(
                f'{path}: its first line is not {",".join(COLUMNS)}'
            )
        return {row['name']: float(row['IoU'] or 'nan') for row in rows}
