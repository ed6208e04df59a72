"""Losses and scores of a training, from what MMEngine logged."""

import json
import math
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np

# Logged beside losses and scores.
NOT_CURVES = {'step', 'iter', 'epoch', 'time', 'data_time', 'memory'}


def read_scalars(work_dir: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Read the logged values of a training.

    A training that was resumed has a log per start; from the step on where a
    later one begins, it replaces the earlier, and one from scratch replaces
    all. What tests logged is left out.

    Args:
        work_dir (Path): Work dir of a training (its ``vis_data/scalars.json``
            one folder below is read), such a folder, or a ``scalars.json``.

    Returns:
        dict[str, tuple[np.ndarray, np.ndarray]]: Key -> steps, ascending, and
        values. Training steps are iterations; validation steps are epochs, or
        iterations in a training that counts those.

    Raises:
        ValueError: There is no such file or none holds a loss or score.
    """
    logs = [log for log in map(_read_log, _find_logs(work_dir)) if log]
    if not logs:
        raise ValueError(
            f'{work_dir}: no vis_data/scalars.json with losses or scores; '
            'give the work dir of a training'
        )
    merged: dict[str, dict[float, float]] = {}
    for log in logs:
        if merged and _first_step(log) <= _first_step(merged):
            merged = {}
        for key, points in log.items():
            old, first = merged.get(key, {}), min(points)
            kept = {step: old[step] for step in old if step < first}
            merged[key] = {**kept, **points}
    return {
        key: (
            np.array(sorted(points)),
            np.array([points[step] for step in sorted(points)]),
        )
        for key, points in merged.items()
    }


def _first_step(log: Mapping[str, Mapping[float, float]]) -> float:
    steps = [min(points) for key, points in log.items() if 'loss' in key]
    # a training resumed for its last validation logs no loss
    return min(steps, default=math.inf)


def _find_logs(work_dir: Path) -> list[Path]:
    if work_dir.is_file():
        return [work_dir]
    for folder in ('', 'vis_data/', '*/vis_data/'):
        # names of the folders are the times of the starts
        if found := sorted(work_dir.glob(f'{folder}scalars.json')):
            return found
    raise ValueError(
        f'{work_dir}: holds no vis_data/scalars.json; give the work dir of a '
        'training that had LocalVisBackend'
    )


def _read_log(path: Path) -> dict[str, dict[float, float]]:
    """Key -> step -> value; empty for a test."""
    points: dict[str, dict[float, float]] = {}
    lines = path.read_text(errors='replace').splitlines()
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
            step = entry['step']
        except (ValueError, TypeError, KeyError):
            # a training that was killed leaves half a line
            warnings.warn(
                f'{path}, line {number}: not a log entry, left out',
                UserWarning,
                stacklevel=4,
            )
            continue
        for key, value in entry.items():
            if key in NOT_CURVES or ('/' in key and step == 0):  # of a test
                continue
            if isinstance(value, (int, float)):
                points.setdefault(key, {})[step] = float(value)
    return points if any('loss' in k or '/' in k for k in points) else {}
