"""Losses and scores of trainings, from what MMEngine logged."""

import json
import math
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from .figures import colors, panel_grid

# Logged beside losses and scores, but not curves one wants to look at.
NOT_SHOWN = {'step', 'iter', 'epoch', 'time', 'data_time', 'memory'}
Curves = Mapping[str, tuple[np.ndarray, np.ndarray]]


def read_scalars(work_dir: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Read the logged values of a training.

    A training that was resumed has a log per start; from the step on where a
    later one begins, it replaces the earlier, and one that began anew replaces
    all. What tests logged is left out.

    Args:
        work_dir (Path): Work dir of a training (its ``vis_data/scalars.json``
            one folder below is read), such a folder, or a ``scalars.json``.

    Returns:
        dict[str, tuple[np.ndarray, np.ndarray]]: Key -> steps and values of
        equal length, steps ascending. Training steps are iterations;
        validation steps are epochs, or iterations in a training that counts
        those.

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
            if key in NOT_SHOWN or ('/' in key and step == 0):  # of a test
                continue
            if isinstance(value, (int, float)):
                points.setdefault(key, {})[step] = float(value)
    return points if any('loss' in k or '/' in k for k in points) else {}


def plot_training(
    runs: Mapping[str, Curves], keys: Sequence[str] | None = None
) -> Figure:
    """Draw logged values over the steps, a panel per key.

    Args:
        runs (Mapping[str, Curves]): By the name for the legend; of
            :func:`read_scalars`.
        keys (Sequence[str], optional): Panels. Defaults to None: the total
            loss (all losses, where there is no total) and all scores.

    Returns:
        Figure: Rows of up to three panels, 520 x 380 px a panel. Losses have
        a logarithmic axis where all are above 0.

    Raises:
        ValueError: There is nothing to show or no run has a key.
    """
    there = dict.fromkeys(key for curves in runs.values() for key in curves)
    if keys is None:
        losses = [key for key in there if 'loss' in key]
        keys = ['loss'] if 'loss' in losses else losses
        keys += [key for key in there if '/' in key]
    missing = [key for key in keys if key not in there]
    if missing or not keys:
        raise ValueError(
            f'no run logged {missing or "anything"}; there are: '
            f'{", ".join(there)}'
        )
    figure, panels = panel_grid(len(keys), 3, 5.2, 3.8)
    palette = dict(zip(runs, colors(len(runs)), strict=True))
    handles = {}
    for axes, key in zip(panels, keys, strict=True):
        for name, curves in runs.items():
            if key in curves:
                steps, values = curves[key]
                marker = '.' if len(steps) < 60 else None
                (handles[name],) = axes.plot(
                    *(steps, values),
                    color=palette[name],
                    marker=marker,
                    label=name,
                )
        drawn = np.concatenate([line.get_ydata() for line in axes.lines])
        if 'loss' in key and (drawn > 0).all():
            axes.set_yscale('log')
        axes.set(title=key, xlabel=_step_name(key, runs))
        axes.grid(alpha=0.3, which='both')
    figure.legend(
        *(handles.values(), handles.keys()),
        loc='outside lower center',
        ncols=min(4, len(handles)),
    )
    return figure


def _step_name(key: str, runs: Mapping[str, Curves]) -> str:
    """Scores are logged by epoch where there are few steps of them."""
    if '/' not in key:
        return 'iteration'
    for curves in runs.values():
        trained = [
            steps[-1] for k, (steps, _) in curves.items() if '/' not in k
        ]
        if key in curves and trained and curves[key][0][-1] == max(trained):
            return 'iteration'
    return 'epoch'
