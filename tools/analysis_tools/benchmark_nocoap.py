"""Time mnocoap against a loop over the thresholds.

Both rate the same detections, as many per image as a detector may keep; the
script prints both times and their ratio, and fails if any number differs. The
loop matches each image anew at each threshold, as the toolkit of the paper
does; it is spared that toolkit's copying of the NoCo maps to other processes.
Making the maps is timed apart: both need them.

Examples:
    python tools/analysis_tools/benchmark_nocoap.py
    python tools/analysis_tools/benchmark_nocoap.py --per-image 30
"""

import argparse
import math
import os
import sys
import time
from pathlib import Path

import cv2
import numpy as np

from fdep_mm.datasets import SIRSTDetDataset, SyntheticSIRSTDetDataset
from fdep_mm.evaluation import mnocoap, noco_map

Truth = tuple[list[np.ndarray], list[np.ndarray]]


def load_truth(root: Path, num: int) -> Truth:
    """NoCo maps and boxes of SIRST-V2's test split, or of made scenes."""
    if (root / 'sirst-v2').is_dir():
        dataset = SIRSTDetDataset(
            'splits/test_full.txt',
            data_root=str(root / 'sirst-v2'),
            indices=num,
        )
    else:
        print(f'no sirst-v2 in {root}: synthetic scenes', file=sys.stderr)
        dataset = SyntheticSIRSTDetDataset(num, split='test')
    maps, boxes = [], []
    seconds = 0.0
    for i in range(len(dataset)):
        info = dataset.get_data_info(i)
        image = info.get('ori_img')
        if image is None:
            image = cv2.imread(info['img_path'], cv2.IMREAD_GRAYSCALE)
        box = [instance['bbox'] for instance in info['instances']]
        boxes.append(np.array(box).reshape(-1, 4))
        start = time.perf_counter()
        maps.append(noco_map(image, boxes[-1]))
        seconds += time.perf_counter() - start
    print(f'{len(maps)} NoCo maps made in {seconds:.2f} s')
    return maps, boxes


def imitate(
    shape: tuple[int, int],
    boxes: np.ndarray,
    per_image: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """(n, 5) boxes of a detector: shifted targets, then false alarms."""
    near = np.repeat(boxes, 3, axis=0)
    near += rng.normal(0, 0.5, (len(near), 1, 2)).repeat(2, 1).reshape(-1, 4)
    corner = rng.uniform(0, (shape[1] - 12, shape[0] - 12), (per_image, 2))
    false = np.hstack([corner, corner + rng.uniform(3, 12, (per_image, 2))])
    found = np.vstack([near, false])[:per_image]
    # few distinct scores: ties must not matter
    scores = rng.integers(1, 100, len(found)) / 200
    scores[: len(near)] += 0.4
    return np.column_stack([found, scores])


def match_image(
    found: np.ndarray, noco: np.ndarray, boxes: np.ndarray, threshold: float
) -> np.ndarray:
    """True positives of one image at one threshold, in the order given."""
    true = np.zeros(len(found), bool)
    covered = [False] * len(boxes)
    for i in np.argsort(-found[:, 4], kind='stable'):
        x, y = (found[i, 0] + found[i, 2]) / 2, (found[i, 1] + found[i, 3]) / 2
        row = min(max(int(np.round(y)), 0), noco.shape[0] - 1)
        col = min(max(int(np.round(x)), 0), noco.shape[1] - 1)
        if noco[row, col] <= threshold:
            continue
        for g, (x1, y1, x2, y2) in enumerate(boxes):
            if x1 <= x <= x2 and y1 <= y <= y2:
                true[i] = not covered[g]
                covered[g] = True
                break
    return true


def run_loop(found: list[np.ndarray], truth: Truth) -> dict[str, float]:
    """The plain way: per threshold, match every image and integrate."""
    maps, boxes = truth
    total = sum(map(len, boxes))
    scores = np.concatenate([rows[:, 4] for rows in found])
    result = {}
    for tenths in range(1, 10):
        true = np.concatenate(
            [
                match_image(*image, tenths / 10)
                for image in zip(found, maps, boxes, strict=True)
            ]
        )[np.argsort(-scores, kind='stable')]
        hits = np.cumsum(true)
        recall = np.concatenate([[0], hits / total, [1]])
        precision = np.concatenate(
            [[0], hits / np.arange(1, len(hits) + 1), [0]]
        )
        envelope = np.maximum.accumulate(precision[::-1])[::-1]
        area = np.sum(np.diff(recall) * envelope[1:])
        result[f'NoCoAP{tenths}0'] = float(area)
    result['mNoCoAP'] = float(np.mean(list(result.values())))
    return result


def main() -> None:
    """Parse arguments, time both and compare."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        '--data',
        type=Path,
        default=os.environ.get('FDEP_DATA', 'data'),
        help='folder that holds sirst-v2; synthetic scenes are used if it '
        'does not (default: $FDEP_DATA or data)',
    )
    parser.add_argument('--num', type=int, default=256, help='images')
    parser.add_argument(
        '--per-image', type=int, default=100, help='detections'
    )
    parser.add_argument('--repeats', type=int, default=3, help='best of')
    parser.add_argument('--seed', type=int, default=0)
    args = parser.parse_args()
    if min(args.num, args.per_image, args.repeats) < 1:
        parser.error('--num, --per-image and --repeats must be at least 1')
    rng = np.random.default_rng(args.seed)
    truth = load_truth(Path(args.data), args.num)
    found = [
        imitate(noco.shape, boxes, args.per_image, rng)
        for noco, boxes in zip(*truth, strict=True)
    ]
    times = []
    for _ in range(args.repeats):
        start = time.perf_counter()
        fast = mnocoap(found, *truth)
        times.append(time.perf_counter() - start)
    start = time.perf_counter()
    loop = run_loop(found, truth)
    slow = time.perf_counter() - start
    for key, value in loop.items():
        if not math.isclose(fast[key], value, abs_tol=1e-9):
            sys.exit(f'{key} is {fast[key]} by mnocoap, {value} by the loop')
    print(
        f'{len(found)} images, {sum(map(len, found))} detections, '
        f'{len(loop) - 1} thresholds: loop {slow:.3f} s, mnocoap '
        f'{min(times):.3f} s, ratio {slow / min(times):.1f}x, equal numbers '
        f'(mNoCoAP {fast["mNoCoAP"]:.4f})'
    )


if __name__ == '__main__':
    main()
