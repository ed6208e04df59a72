"""Time our metrics beside other packages, and check that numbers are equal.

At one threshold (IoU, nIoU, Pd, Fa):
    SIRSTMetric        ours
    pyirstdmetrics     its CMMetrics and Pd/Fa classes
    mmseg IoUMetric    IoU only
At 19 thresholds:
    HSEMetric          ours: IoU, nIoU, Pd, Fa and F1 at five tolerances
    pyirstdmetrics     Pd and Fa only
    scikit-image loop  as HSEMetric; masks are labeled once, predictions once
                       per threshold, less work than the usual scripts do

All run in turn, round by round; the best of the rounds counts. The script
fails if a number differs where the definitions agree: Fa and Pd with a radius
of 3 px, and nIoU with 0 for images that are empty in truth and prediction.
pyirstdmetrics needs numpy < 2 and so an environment of its own, whose Python
--peer names. Needs scikit-image.

Examples:
    python tools/analysis_tools/benchmark_metrics.py --data ~/data --num 50
    python -m venv ~/peer && ~/peer/bin/pip install pyirstdmetrics
    python tools/analysis_tools/benchmark_metrics.py --peer ~/peer/bin/python
"""

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from mmseg.evaluation import IoUMetric
from scipy import ndimage
from skimage.measure import label, regionprops

from fdep_mm.core.command import Parser, command, number
from fdep_mm.evaluation import HSEMetric, SIRSTMetric
from fdep_mm.evaluation.functional import EvalProtocol, reduce_records

CHILD = Path(__file__).with_name('peer_pyirstdmetrics.py')
# What is timed, and which of our metrics does the same.
OURS = {
    'SIRSTMetric': 'SIRSTMetric',
    'pyirstdmetrics': 'SIRSTMetric',
    'mmseg IoUMetric': 'SIRSTMetric',
    'HSEMetric': 'HSEMetric',
    'pyirstdmetrics, 19': 'HSEMetric',
    'scikit-image loop': 'HSEMetric',
}
NOISE = (('as a trained network', 0.01), ('noisy', 0.04), ('very noisy', 0.3))
Sample = tuple[np.ndarray, np.ndarray]


def find_masks(data: Path, num: int, rng: np.random.Generator) -> list:
    """Masks evenly spread over NUDT-SIRST, else up to four discs each."""
    files = sorted((data / 'NUDT-SIRST/masks').glob('*.png'))
    if files:
        chosen = np.unique(np.linspace(0, len(files) - 1, num).astype(int))
        return [cv2.imread(str(files[i]), 0) > 0 for i in chosen]
    print(f'no masks under {data}: synthetic ones', file=sys.stderr)
    rows, cols = np.ogrid[:256, :256]
    masks = np.zeros((num, 256, 256), bool)
    for mask in masks:
        for _ in range(rng.integers(1, 5)):
            y, x = rng.uniform(10, 246, 2)
            mask |= np.hypot(rows - y, cols - x) < rng.uniform(1, 5)
    return list(masks)


def predict(
    mask: np.ndarray, noise: float, rng: np.random.Generator
) -> np.ndarray:
    """Imitate a network: shifted, blurred targets, false blobs and noise."""
    shifted = ndimage.shift(mask.astype(float), rng.normal(0, 0.5, 2), order=1)
    prob = ndimage.gaussian_filter(shifted, 1) * rng.uniform(0.8, 2)
    blobs = np.zeros(mask.shape)
    for _ in range(rng.poisson(2)):
        blobs[tuple(rng.integers(0, mask.shape))] += rng.uniform(1, 20)
    prob += ndimage.gaussian_filter(blobs, rng.uniform(0.7, 1.5))
    prob += rng.normal(0, noise, mask.shape)
    prob += rng.normal(0, 0.1, mask.shape) * (prob > 0.05)
    return prob.clip(0, 1).astype(np.float32)


def feed(metric: object, samples: list[Sample]) -> object:
    """Hand images to a metric one by one, as MMEngine does."""
    for prob, mask in samples:
        maps = dict(seg_logits=prob, pred_sem_seg=prob > 0.5, gt_sem_seg=mask)
        sample = {
            key: dict(data=torch.from_numpy(value)[None])
            for key, value in maps.items()
        }
        metric.process(None, [sample])
    return metric


def run_sirst(samples: list[Sample]) -> dict:
    """Ours at one threshold."""
    metric = feed(SIRSTMetric(empty='zero'), samples)
    metric.evaluate(len(samples))
    return metric.scores


def run_mmseg(samples: list[Sample]) -> dict:
    """The foreground's IoU by mmseg's metric."""
    metric = IoUMetric()
    metric.dataset_meta = dict(classes=('background', 'target'))
    areas = zip(*feed(metric, samples).results, strict=True)
    inter, union, *_ = (sum(one).double() for one in areas)
    return dict(IoU=(inter / union)[1].item())


def run_hse(samples: list[Sample]) -> dict:
    """Ours at 19 thresholds."""
    metric = feed(HSEMetric(), samples)
    metric.evaluate(len(samples))
    curves = {f'{key} at 19': metric.curves[key] for key in ('Pd', 'Fa')}
    return metric.scores | curves


def match(targets: list, detections: list, within: Callable) -> list:
    """Greedy one-to-one matching; returns the matched detections."""
    free, matched = list(detections), []
    for target in targets:
        for detection in free:
            # rounded: a distance of exactly 3 px must not depend on the
            # rounding of centroids
            if within(round(math.dist(target[0], detection[0]), 9)):
                matched.append(detection)
                free.remove(detection)
                break
    return matched


def components(mask: np.ndarray) -> list[tuple[tuple, float]]:
    """Centroid and area of each component."""
    regions = regionprops(label(mask, connectivity=2))
    return [(region.centroid, region.area) for region in regions]


def run_loop(samples: list[Sample]) -> dict:
    """The plain way: per image and threshold, label and match."""
    protocol = EvalProtocol()
    records = []
    for prob, mask in samples:
        targets = components(mask)
        columns = []
        for threshold in protocol.grid:
            pred = prob > threshold
            detections = components(pred)
            hit = match(targets, detections, lambda d: d < 3)
            false = pred.sum() - sum(area for _, area in hit)
            areas = (pred & mask).sum(), (pred | mask).sum()
            near = [
                len(match(targets, detections, float(tolerance).__ge__))
                for tolerance in protocol.tolerances
            ]
            counts = len(detections), len(hit), false
            columns.append([*areas, *counts, *near])
        image = mask.size, len(targets), mask.sum()
        records.append(np.hstack([image, np.ravel(columns, order='F')]))
    return reduce_records(records, protocol).scores


def run_peer(python: Path, samples: list[Sample]) -> dict:
    """Numbers and seconds of pyirstdmetrics in its environment, by name."""
    arrays = {}
    for i, (prob, mask) in enumerate(samples):
        arrays |= {f'prob_{i}': prob, f'mask_{i}': mask}
    env = {k: v for k, v in os.environ.items() if k != 'PYTHONPATH'}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, 'samples.npz')
        np.savez(file, **arrays)
        words = [str(python), str(CHILD), str(file)]
        done = subprocess.run(words, capture_output=True, text=True, env=env)
    if done.returncode:
        raise ValueError(f'--peer {python}: {done.stderr.strip()}')
    return json.loads(done.stdout)


def compare(
    samples: list[Sample], rounds: int, peer: Path | None
) -> dict[str, float]:
    """Best seconds of the rounds, by name."""
    runs = {
        'SIRSTMetric': run_sirst,
        'mmseg IoUMetric': run_mmseg,
        'HSEMetric': run_hse,
        'scikit-image loop': run_loop,
    }
    numbers, best = {}, {}
    for _ in range(rounds):
        found = {} if peer is None else run_peer(peer, samples)
        for name, function in runs.items():
            start = time.perf_counter()
            found[name] = function(samples), time.perf_counter() - start
        for name, (result, seconds) in found.items():
            numbers[name] = result
            best[name] = min(seconds, best.get(name, math.inf))
    for name, theirs in numbers.items():
        for key, value in theirs.items():
            ours = numbers[OURS[name]][key]
            if not np.allclose(value, ours, 0, 1e-9, equal_nan=True):
                raise ValueError(f'{name}: {key} is {value}, by ours {ours}')
    return best


@command()
def main() -> None:
    """Compare on three kinds of predictions."""
    parser = Parser(__doc__)
    add = parser.add_argument
    add(
        '--data',
        type=Path,
        default=os.environ.get('FDEP_DATA', 'data'),
        help='folder that holds NUDT-SIRST/masks, else synthetic masks are '
        'used (default: $FDEP_DATA or data)',
    )
    one = number(int, 1)
    add('--num', type=one, default=100, help='images; very noisy: a 20th')
    add('--rounds', type=one, default=3, help='of which the best counts')
    add('--seed', type=int, default=0)
    add('--peer', type=Path, help='Python that has pyirstdmetrics')
    args = parser.parse_args()
    torch.set_num_threads(1)
    rng = np.random.default_rng(args.seed)
    masks = find_masks(Path(args.data), args.num, rng)
    for title, noise in NOISE:
        chosen = masks if noise < 0.1 else masks[: -(-len(masks) // 20)]
        samples = [(predict(mask, noise, rng), mask) for mask in chosen]
        best = compare(samples, args.rounds, args.peer)
        print(f'{title}, {len(samples)} images: numbers equal')
        for name, seconds in best.items():
            print(
                f'  {name:<22}{1e3 * seconds / len(samples):10.3f} ms/image'
                f'{seconds / best[OURS[name]]:8.2f} x {OURS[name]}'
            )


if __name__ == '__main__':
    sys.exit(main())
