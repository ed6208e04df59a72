"""mNoCoAP by a loop over the thresholds, and the true boxes of SIRST-V2.

The loop matches each image anew at each threshold, as the toolkit of the paper
does.
"""

from pathlib import Path

import cv2
import numpy as np

from fdep_mm.datasets import SIRSTDetDataset
from fdep_mm.evaluation import noco_map

Truth = tuple[list[np.ndarray], list[np.ndarray]]


def load_truth(root: Path, num: int) -> Truth:
    """NoCo maps and boxes of SIRST-V2's test split."""
    dataset = SIRSTDetDataset(
        'splits/test_full.txt', data_root=str(root / 'sirst-v2'), indices=num
    )
    maps, boxes = [], []
    for i in range(len(dataset)):
        info = dataset.get_data_info(i)
        image = cv2.imread(info['img_path'], cv2.IMREAD_GRAYSCALE)
        box = [instance['bbox'] for instance in info['instances']]
        boxes.append(np.array(box).reshape(-1, 4))
        maps.append(noco_map(image, boxes[-1]))
    return maps, boxes


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
