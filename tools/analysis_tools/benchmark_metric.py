"""Time HSEMetric against a loop of scikit-image over the thresholds.

Both compute HSE and the field's numbers (19 thresholds, 5 tolerances) on the
same images; the script prints both times and their ratio, and fails if any
number differs. The loop labels every mask once and every prediction once per
threshold, which is less work than the usual scripts do. Needs scikit-image.

Examples:
    python tools/analysis_tools/benchmark_metric.py
    python tools/analysis_tools/benchmark_metric.py --data ~/data --num 50
"""

import argparse
import math
import os
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from scipy import ndimage
from scipy.integrate import trapezoid
from skimage.measure import label, regionprops

from fdep_mm.evaluation import HSEMetric

THRESHOLDS = [k / 20 for k in range(1, 20)]
TOLERANCES = (1, 2, 3, 4, 5)
Sample = tuple[np.ndarray, np.ndarray]


def load_masks(folder: Path, num: int) -> list[np.ndarray]:
    """Read masks evenly spread over a folder; [] if there are none."""
    files = sorted(folder.glob('*.png'))
    chosen = np.unique(np.linspace(0, len(files) - 1, num).astype(int))
    return [
        cv2.imread(str(files[i]), cv2.IMREAD_GRAYSCALE) > 0
        for i in chosen
        if files
    ]


def synthetic_masks(num: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Discs of 1 to 5 px radius, up to four in 256 x 256 px."""
    rows, cols = np.ogrid[:256, :256]
    masks = []
    for _ in range(num):
        mask = np.zeros((256, 256), bool)
        for _ in range(rng.integers(1, 5)):
            y, x = rng.uniform(10, 246, 2)
            mask |= np.hypot(rows - y, cols - x) < rng.uniform(1, 5)
        masks.append(mask)
    return masks


def add_data_arguments(parser: argparse.ArgumentParser, num: int) -> None:
    """Add the options that :func:`choose_masks` needs."""
    parser.add_argument(
        '--data',
        type=Path,
        default=os.environ.get('FDEP_DATA', 'data'),
        help='folder that holds NUDT-SIRST/masks; synthetic masks are used '
        'if it does not (default: $FDEP_DATA or data)',
    )
    parser.add_argument('--num', type=int, default=num, help='images')
    parser.add_argument('--repeats', type=int, default=3, help='best of')
    parser.add_argument('--seed', type=int, default=0)


def choose_masks(
    args: argparse.Namespace, rng: np.random.Generator
) -> list[np.ndarray]:
    """Real masks where the command line has them, otherwise synthetic ones."""
    masks = load_masks(Path(args.data) / 'NUDT-SIRST' / 'masks', args.num)
    if not masks:
        print(f'no masks under {args.data}: synthetic ones', file=sys.stderr)
    return masks or synthetic_masks(args.num, rng)


def predict(
    mask: np.ndarray, noise: float, rng: np.random.Generator
) -> np.ndarray:
    """Imitate a network: shifted, blurred targets, false blobs and noise.

    Args:
        mask (np.ndarray): (H, W) bool.
        noise (float): Standard deviation of the pixel noise. 0.01 stays below
            the lowest threshold, as trained networks do; 0.3 makes thousands
            of components.
        rng (np.random.Generator): Source of randomness.

    Returns:
        np.ndarray: (H, W) float32 in [0, 1].
    """
    shifted = ndimage.shift(mask.astype(float), rng.normal(0, 0.5, 2), order=1)
    prob = ndimage.gaussian_filter(shifted, 1) * rng.uniform(0.8, 2)
    blobs = np.zeros(mask.shape)
    for _ in range(rng.poisson(2)):
        blobs[tuple(rng.integers(0, mask.shape))] += rng.uniform(1, 20)
    prob += ndimage.gaussian_filter(blobs, rng.uniform(0.7, 1.5))
    prob += rng.normal(0, noise, mask.shape) + rng.normal(
        0, 0.1, mask.shape
    ) * (prob > 0.05)
    return prob.clip(0, 1).astype(np.float32)


def run_fast(samples: list[Sample]) -> dict[str, float]:
    """Through the metric as MMEngine calls it, tensors in."""
    metric = HSEMetric(THRESHOLDS, TOLERANCES)
    for prob, mask in samples:
        metric.process(
            None,
            [
                dict(
                    seg_logits=dict(data=torch.from_numpy(prob)[None]),
                    gt_sem_seg=dict(data=torch.from_numpy(mask)[None]),
                )
            ],
        )
    metric.evaluate(len(samples))
    return metric.scores


def match(targets: list, detections: list, within) -> list:
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


def run_loop(samples: list[Sample]) -> dict[str, float]:
    """The plain way: per image and threshold, label and match."""
    shape = (len(samples), len(THRESHOLDS))
    inter, union = np.zeros(shape), np.zeros(shape)
    found, hits, false = np.zeros(shape), np.zeros(shape), np.zeros(shape)
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


def compare(title: str, samples: list[Sample], repeats: int) -> None:
    """Time both on the same samples, print, and assert equal numbers."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        fast = run_fast(samples)
        times.append(time.perf_counter() - start)
    start = time.perf_counter()
    loop = run_loop(samples)
    slow = time.perf_counter() - start
    for key, value in loop.items():
        if not math.isclose(fast[key], value, abs_tol=1e-9):
            sys.exit(
                f'{title}: {key} is {fast[key]} by HSEMetric and {value} by '
                'the loop'
            )
    each = 1e3 / len(samples)
    print(
        f'{title:<24} {len(samples):4d} images  loop {slow * each:8.2f}  '
        f'HSEMetric {min(times) * each:6.2f} ms/image  '
        f'ratio {slow / min(times):6.1f}x  equal numbers '
        f'(HSE {100 * fast["HSE"]:.2f}, IoU {100 * fast["IoU"]:.2f}, '
        f'Pd {100 * fast["Pd"]:.2f}, Fa {1e6 * fast["Fa"]:.1f})'
    )


def main() -> None:
    """Parse arguments and run both cases."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_data_arguments(parser, num=200)
    parser.add_argument(
        '--num-dense', type=int, default=5, help='images with dense noise'
    )
    args = parser.parse_args()
    if min(args.num, args.num_dense, args.repeats) < 1:
        parser.error('--num, --num-dense and --repeats must be at least 1')
    rng = np.random.default_rng(args.seed)
    masks = choose_masks(args, rng)
    for title, noise, chosen in (
        ('as a trained network', 0.01, masks),
        ('faint noise', 0.04, masks[: max(1, args.num // 4)]),
        ('dense noise', 0.3, masks[: args.num_dense]),
    ):
        samples = [(predict(mask, noise, rng), mask) for mask in chosen]
        compare(title, samples, args.repeats)


if __name__ == '__main__':
    main()
