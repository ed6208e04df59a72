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
from scipy.integrate import trapezoid
from skimage.measure import label, regionprops

from fdep_mm.core.command import Parser, command
from fdep_mm.evaluation import HSEMetric, SIRSTMetric

CHILD = Path(__file__).with_name('peer_pyirstdmetrics.py')
THRESHOLDS = [k / 20 for k in range(1, 20)]
TOLERANCES = (1, 2, 3, 4, 5)
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
    """Ours at one threshold, as fractions."""
    found = feed(SIRSTMetric(empty='zero'), samples).evaluate(len(samples))
    scales = dict(IoU=100, nIoU=100, Pd=100, Fa=1e6)
    return {key: found[f'sirst/{key}'] / s for key, s in scales.items()}


def run_mmseg(samples: list[Sample]) -> dict:
    """The foreground's IoU by mmseg's metric."""
    metric = IoUMetric()
    metric.dataset_meta = dict(classes=('background', 'target'))
    areas = zip(*feed(metric, samples).results, strict=True)
    inter, union, *_ = (sum(one).double() for one in areas)
    return dict(IoU=(inter / union)[1].item())


def run_hse(samples: list[Sample]) -> dict:
    """Ours at 19 thresholds."""
    metric = feed(HSEMetric(THRESHOLDS, TOLERANCES), samples)
    metric.evaluate(len(samples))
    curves = {key: metric.curves[key].tolist() for key in ('Pd', 'Fa')}
    return {**metric.scores, 'curves': curves}


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
    shape = (len(samples), len(THRESHOLDS))
    inter, union, found, hits, false = np.zeros((5, *shape))
    matches = np.zeros((*shape, len(TOLERANCES)))
    num_targets = pixels = 0
    for i, (prob, mask) in enumerate(samples):
        targets = components(mask)
        num_targets += len(targets)
        pixels += mask.size
        for k, threshold in enumerate(THRESHOLDS):
            pred = prob > np.float32(threshold)
            inter[i, k], union[i, k] = (pred & mask).sum(), (pred | mask).sum()
            detections = components(pred)
            found[i, k] = len(detections)
            hit = match(targets, detections, lambda d: d < 3)
            hits[i, k] = len(hit)
            false[i, k] = pred.sum() - sum(area for _, area in hit)
            for j, tolerance in enumerate(TOLERANCES):
                near = match(targets, detections, float(tolerance).__ge__)
                matches[i, k, j] = len(near)
    iou = inter.sum(0) / union.sum(0)
    niou = np.divide(inter, union, np.ones(shape), where=union > 0).mean(0)
    f1 = 2 * matches.sum(0).T / (num_targets + found.sum(0))
    width = THRESHOLDS[-1] - THRESHOLDS[0]
    hse_p = trapezoid((iou + niou) / 2, THRESHOLDS) / width
    hse_t = np.mean([trapezoid(row, THRESHOLDS) / width for row in f1])
    main = THRESHOLDS.index(0.5)
    return dict(
        IoU=iou[main],
        nIoU=niou[main],
        Pd=hits.sum(0)[main] / num_targets,
        Fa=false.sum(0)[main] / pixels,
        HSE=(hse_p + hse_t) / 2,
        HSE_P=hse_p,
        HSE_T=hse_t,
    )


def run_peer(python: Path, samples: list[Sample]) -> dict:
    """Seconds and numbers of pyirstdmetrics in its environment."""
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
) -> dict[str, tuple[str, float]]:
    """Our metric that does the same, and best seconds, by name.

    Raises:
        ValueError: Two numbers differ.
    """
    runs = {
        'SIRSTMetric': ('SIRSTMetric', run_sirst),
        'mmseg IoUMetric': ('SIRSTMetric', run_mmseg),
        'HSEMetric': ('HSEMetric', run_hse),
        'scikit-image loop': ('HSEMetric', run_loop),
    }
    numbers, best = {}, {}
    for _ in range(rounds):
        found = {}
        for name, (_, function) in runs.items():
            start = time.perf_counter()
            numbers[name] = function(samples)
            found[name] = time.perf_counter() - start
        if peer is not None:
            single, sweep = run_peer(peer, samples)
            numbers['pyirstdmetrics'], found['pyirstdmetrics'] = single
            numbers['pyirstdmetrics, 19'] = {'curves': sweep[0]}
            found['pyirstdmetrics, 19'] = sweep[1]
        for name, seconds in found.items():
            best[name] = min(seconds, best.get(name, math.inf))
    result = {}
    for name, theirs in numbers.items():
        sweep = name.endswith('19')
        ours = runs.get(name, ['HSEMetric' if sweep else 'SIRSTMetric'])[0]
        for key, value in theirs.items():
            check(f'{name}: {key}', value, numbers[ours][key])
        result[name] = ours, best[name]
    return result


def check(what: str, theirs: object, ours: object) -> None:
    """Fail if two numbers, or two dicts of lists of them, differ."""
    if isinstance(theirs, dict):
        for key, value in theirs.items():
            check(f'{what}: {key}', value, ours[key])
    elif not np.allclose(theirs, ours, rtol=0, atol=1e-9):
        raise ValueError(f'{what} is {theirs}, by ours {ours}')


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
    add('--num', type=int, default=100, help='images; very noisy: a 20th')
    add('--rounds', type=int, default=3, help='of which the best counts')
    add('--seed', type=int, default=0)
    add('--peer', type=Path, help='Python that has pyirstdmetrics')
    args = parser.parse_args()
    if min(args.num, args.rounds) < 1:
        parser.error('--num and --rounds must be at least 1')
    torch.set_num_threads(1)
    rng = np.random.default_rng(args.seed)
    masks = find_masks(Path(args.data), args.num, rng)
    for title, noise in NOISE:
        chosen = masks if noise < 0.1 else masks[: -(-len(masks) // 20)]
        samples = [(predict(mask, noise, rng), mask) for mask in chosen]
        best = compare(samples, args.rounds, args.peer)
        print(f'{title}, {len(samples)} images: numbers equal')
        for name, (ours, seconds) in best.items():
            print(
                f'  {name:<22}{1e3 * seconds / len(samples):10.3f} ms/image'
                f'{seconds / best[ours][1]:8.2f} x {ours}'
            )


if __name__ == '__main__':
    sys.exit(main())
