"""Time our metrics beside those of other packages, on the same images.

At one threshold (IoU, nIoU, Pd, Fa):
    SIRSTMetric        ours
    pyirstdmetrics     its CMMetrics and Pd/Fa classes
    mmseg IoUMetric    IoU only
At 19 thresholds:
    HSEMetric          ours: IoU, nIoU, Pd, Fa and F1 at five tolerances
    pyirstdmetrics     Pd and Fa only
    scikit-image loop  as HSEMetric, see benchmark_metric.py

All run in turn, round by round; the best of the rounds counts. The script
fails if a number differs where the definitions agree: Fa and Pd with a radius
of 3 px, and nIoU with 0 for images that are empty in truth and prediction.
pyirstdmetrics needs numpy < 2: it lives in a virtual environment of its own,
which is made in the folder --env (pip needs a package index for that) or
found there. Without --env, or where it cannot be installed, it is left out.
Needs scikit-image.

Examples:
    python tools/analysis_tools/benchmark_peers.py --env ~/envs/pyirstdmetrics
    python tools/analysis_tools/benchmark_peers.py --data ~/data --num 50
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from benchmark_metric import (
    THRESHOLDS,
    add_data_arguments,
    choose_masks,
    predict,
    run_fast,
    run_loop,
)
from mmseg.evaluation import IoUMetric

from fdep_mm.evaluation import HSEMetric, SIRSTMetric

CHILD = Path(__file__).with_name('peer_pyirstdmetrics.py')
Sample = tuple[np.ndarray, np.ndarray]
Timed = tuple[float, dict]


def prepare(folder: Path | None) -> Path | None:
    """Python of the environment with pyirstdmetrics, made if need be."""
    if folder is None:
        print('pyirstdmetrics is left out: give it a folder, --env DIR')
        return None
    bin_dir = 'Scripts' if os.name == 'nt' else 'bin'
    python = folder / bin_dir / 'python'
    steps = [[str(python), '-m', 'pip', 'install', '-q', 'pyirstdmetrics']]
    if not python.with_name('pip').exists():
        steps.insert(0, [sys.executable, '-m', 'venv', str(folder)])
    probe = [str(python), '-c', 'import py_irstd_metrics']
    if python.exists() and run(probe).returncode == 0:
        return python
    for step in steps:
        done = run(step)
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ['no message'])[-1]
            print(f'pyirstdmetrics is left out, {" ".join(step)}: {reason}')
            return None
    return python


def run(command: list[str]) -> subprocess.CompletedProcess:
    """Run a command of another environment, without this one's paths."""
    env = {k: v for k, v in os.environ.items() if k != 'PYTHONPATH'}
    return subprocess.run(command, capture_output=True, text=True, env=env)


def timed(function: Callable, *args) -> Timed:
    """Seconds and result of a call."""
    start = time.perf_counter()
    found = function(*args)
    return time.perf_counter() - start, found


def as_batches(samples: list[Sample]) -> list[list[dict]]:
    """What MMEngine hands to a metric, one image each."""
    return [
        [
            dict(
                seg_logits=dict(data=torch.from_numpy(prob)[None]),
                pred_sem_seg=dict(data=torch.from_numpy(prob > 0.5)[None]),
                gt_sem_seg=dict(data=torch.from_numpy(mask)[None]),
            )
        ]
        for prob, mask in samples
    ]


def run_sirst(batches: list[list[dict]]) -> dict[str, float]:
    """Ours at one threshold, as fractions."""
    metric = SIRSTMetric(empty='zero')
    for batch in batches:
        metric.process(None, batch)
    found = metric.evaluate(len(batches))
    scales = dict(IoU=100, nIoU=100, Pd=100, Fa=1e6)
    return {k: found[f'sirst/{k}'] / scale for k, scale in scales.items()}


def run_mmseg(batches: list[list[dict]]) -> dict[str, float]:
    """The foreground's IoU by mmseg's metric."""
    metric = IoUMetric()
    metric.dataset_meta = dict(classes=('background', 'target'))
    for batch in batches:
        metric.process(None, batch)
    inter, union = (
        sum(areas[i] for areas in metric.results).double() for i in (0, 1)
    )
    return dict(IoU=(inter / union)[1].item())


def run_curves(samples: list[Sample]) -> dict[str, list]:
    """Pd and Fa over the thresholds, for comparison; not timed."""
    metric = HSEMetric(THRESHOLDS)
    for batch in as_batches(samples):
        metric.process(None, batch)
    metric.evaluate(len(samples))
    return {key: metric.curves[key].tolist() for key in ('Pd', 'Fa')}


def run_pyirstd(python: Path, file: Path) -> tuple[Timed, Timed]:
    """One threshold, and 19 of them, in the other environment."""
    done = run([str(python), str(CHILD), str(file)])
    if done.returncode:
        sys.exit(f'{CHILD.name} failed: {done.stderr}')
    found = json.loads(done.stdout)
    return (
        (found['single_seconds'], found['single']),
        (found['sweep_seconds'], found['sweep']),
    )


def check(title: str, ours: dict, theirs: dict) -> None:
    """Fail if a number that both give differs."""
    for key, value in theirs.items():
        same = np.allclose(ours[key], value, rtol=0, atol=1e-9)
        if not same:
            sys.exit(f'{title}: {key} is {value}, by ours {ours[key]}')


def compare(
    samples: list[Sample], python: Path | None, file: Path, repeats: int
) -> dict[str, float]:
    """Run everything in turn and check the numbers.

    Args:
        samples (list): Predictions (H, W) float32 and masks (H, W) bool.
        python (Path, optional): Of the environment with pyirstdmetrics.
        file (Path): The samples, as pyirstdmetrics gets them.
        repeats (int): Rounds.

    Returns:
        dict[str, float]: Best seconds by name.
    """
    batches = as_batches(samples)
    best: dict[str, float] = {}
    curves = run_curves(samples)
    for _ in range(repeats):
        found = {
            'SIRSTMetric': timed(run_sirst, batches),
            'mmseg IoUMetric': timed(run_mmseg, batches),
            'HSEMetric, 19': timed(run_fast, samples),
            'scikit-image loop, 19': timed(run_loop, samples),
        }
        check(
            'mmseg IoUMetric',
            found['SIRSTMetric'][1],
            found['mmseg IoUMetric'][1],
        )
        check(
            'scikit-image loop',
            found['HSEMetric, 19'][1],
            found['scikit-image loop, 19'][1],
        )
        if python is not None:
            single, sweep = run_pyirstd(python, file)
            check('pyirstdmetrics', found['SIRSTMetric'][1], single[1])
            check('pyirstdmetrics, 19', curves, sweep[1])
            found['pyirstdmetrics'] = single
            found['pyirstdmetrics, 19'] = sweep
        for name, (seconds, _) in found.items():
            best[name] = min(seconds, best.get(name, math.inf))
    return best


def show(title: str, best: dict[str, float], num: int) -> None:
    """Print the times and their ratios to ours."""
    print(f'{title}, {num} images: numbers equal')
    for name, seconds in sorted(best.items(), key=lambda item: item[1]):
        ours = best['HSEMetric, 19' if name.endswith('19') else 'SIRSTMetric']
        print(
            f'  {name:<22}{1e3 * seconds / num:10.3f} ms/image'
            f'{seconds / ours:8.2f} x ours'
        )


def main() -> None:
    """Parse arguments and compare on two kinds of predictions."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        '--env', type=Path, help='folder of the environment of pyirstdmetrics'
    )
    add_data_arguments(parser, num=100)
    args = parser.parse_args()
    if min(args.num, args.repeats) < 1:
        parser.error('--num and --repeats must be at least 1')
    torch.set_num_threads(1)
    rng = np.random.default_rng(args.seed)
    masks = choose_masks(args, rng)
    python = prepare(args.env)
    for title, noise in (('as a trained network', 0.01), ('noisy', 0.04)):
        samples = [(predict(mask, noise, rng), mask) for mask in masks]
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, 'samples.npz')
            arrays = {}
            for i, (prob, mask) in enumerate(samples):
                arrays |= {f'prob_{i}': prob, f'mask_{i}': mask}
            np.savez(file, **arrays)
            best = compare(samples, python, file, args.repeats)
        show(title, best, len(samples))


if __name__ == '__main__':
    main()
