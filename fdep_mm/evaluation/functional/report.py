"""The printed and the stored form of scores and curves."""

import json
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from prettytable import PrettyTable

# As the field prints them: percent, and Fa in false pixels per million.
SCALES = dict(HSE=1e2, HSE_P=1e2, HSE_T=1e2, IoU=1e2, nIoU=1e2, Pd=1e2, Fa=1e6)


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
    """Numbers and arrays for JSON, which has no NaN: null."""
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
    """Store the arguments of :func:`as_json`; the file's folder exists."""
    content = as_json(*evaluation)
    path.write_text(json.dumps(content, indent=1, allow_nan=False) + '\n')


def read_json(
    path: Path,
) -> tuple[dict[str, float], dict[str, np.ndarray], dict]:
    """Scores, curves and settings that :func:`write_json` or a test stored.

    Raises:
        ValueError: It is not such a file.
        OSError: It cannot be opened.
    """
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
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(
            f'{path}: not a file of scores and curves ({error!r}); give one '
            'that eval_pngs.py --json, HSEHook or ResultWriterHook wrote'
        ) from error
