"""The printed and the stored form of scores and curves."""

import json
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from prettytable import PrettyTable

# As the field prints them: per cent, and Fa in false pixels per million.
SCALES = dict(HSE=1e2, HSE_P=1e2, HSE_T=1e2, IoU=1e2, nIoU=1e2, Pd=1e2, Fa=1e6)


def scale_scores(scores: Mapping[str, float]) -> dict[str, float]:
    """Scale fractions to the field's units.

    Args:
        scores (Mapping[str, float]): Any of HSE, HSE_P, HSE_T, IoU, nIoU, Pd,
            Fa as fractions.

    Returns:
        dict[str, float]: The same keys; Fa x 1e6, all others x 100.
    """
    return {key: value * SCALES[key] for key, value in scores.items()}


def format_table(scores: Mapping[str, float]) -> str:
    """Format scores as a table with one row.

    Args:
        scores (Mapping[str, float]): HSE, HSE_P, HSE_T, IoU, nIoU, Pd, Fa as
            fractions.

    Returns:
        str: Several lines; per cent, Fa x 1e-6.
    """
    table = PrettyTable(
        [f'{key} (1e-6)' if key == 'Fa' else f'{key} (%)' for key in SCALES]
    )
    scaled = scale_scores(scores)
    table.add_row([f'{scaled[key]:.2f}' for key in SCALES])
    return table.get_string()


def plain(value: float | np.ndarray) -> float | list | None:
    """Numbers and arrays as JSON has them; NaN, which it has not, as null."""
    if np.ndim(value):
        return [plain(item) for item in value]
    value = float(value)
    return None if math.isnan(value) else value


def as_json(
    scores: Mapping[str, float],
    curves: Mapping[str, np.ndarray],
    settings: Mapping[str, float | str],
) -> dict:
    """Give an evaluation with the settings that it depends on.

    Args:
        scores (Mapping[str, float]): Fractions; NaN becomes None.
        curves (Mapping[str, np.ndarray]): See
            :func:`fdep_mm.evaluation.evaluate_curves`.
        settings (Mapping[str, float | str]): What the numbers depend on
            beside the thresholds and tolerances in `curves`.

    Returns:
        dict: ``scores``, ``curves`` and ``settings``, as JSON has them.
    """
    return dict(
        scores={key: plain(value) for key, value in scores.items()},
        curves={key: plain(value) for key, value in curves.items()},
        settings=dict(settings),
    )


def write_json(path: Path, *evaluation: Mapping) -> None:
    """Store an evaluation.

    Args:
        path (Path): File to write; its folder exists.
        *evaluation (Mapping): Scores, curves and settings, see
            :func:`as_json`.
    """
    content = as_json(*evaluation)
    path.write_text(json.dumps(content, indent=1, allow_nan=False) + '\n')


def read_json(
    path: Path,
) -> tuple[dict[str, float], dict[str, np.ndarray], dict]:
    """Read what :func:`write_json` stored.

    Args:
        path (Path): The file.

    Returns:
        tuple[dict, dict, dict]: Scores, curves and settings as
        :func:`write_json` takes them; null is NaN again.

    Raises:
        ValueError: If it is not such a file.
        OSError: If it cannot be opened.
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
        missing = SCALES.keys() - scores.keys()
        for key in ('IoU', 'nIoU', 'Pd', 'Fa', 'F1', *curves):
            if key != 'tolerances' and curves[key].shape[-1:] != (num,):
                raise ValueError(f'{key} is not of {num} thresholds')
        if missing:
            raise ValueError(f'there is no {", ".join(sorted(missing))}')
        return scores, curves, dict(content['settings'])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(
            f'{path}: not a file of scores and curves ({error!r}); give one '
            'that eval_pngs.py --json, HSEHook or ResultWriterHook wrote'
        ) from error
