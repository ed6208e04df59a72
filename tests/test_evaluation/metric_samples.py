"""Samples for every metric, and their evaluation by one of several processes.

The images are few and the scores round, so that ties between images occur.
"""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.dataset import DefaultSampler
from mmengine.evaluator import BaseMetric
from naive_evaluation import random_images

from fdep_mm.core.boxes import mask_boxes
from fdep_mm.evaluation import (
    BoxPdFaMetric,
    HSEMetric,
    NoCoAPMetric,
    SIRSTMetric,
)

NUM = 7  # odd: the last round of a distributed sampler is padded
METRICS: dict[str, tuple[Callable[[], BaseMetric], str]] = {
    'SIRSTMetric': (lambda: SIRSTMetric(match='hungarian'), 'maps'),
    'HSEMetric': (HSEMetric, 'maps'),
    'NoCoAPMetric of maps': (NoCoAPMetric, 'maps'),
    'NoCoAPMetric of boxes': (NoCoAPMetric, 'boxes'),
    'BoxPdFaMetric of boxes': (lambda: BoxPdFaMetric(0.3, 'box'), 'boxes'),
    'BoxPdFaMetric of masks': (lambda: BoxPdFaMetric(0.3, 'mask'), 'boxes'),
}


def make_samples(kind: str, folder: str, seed: int = 0) -> list[dict]:
    """Samples as dicts; masks are written to the folder."""
    rng = np.random.default_rng(seed)
    probs, masks = random_images(rng, NUM, noise=0.5)
    samples = []
    for i, (prob, mask) in enumerate(zip(probs, masks, strict=True)):
        image = rng.integers(0, 99, mask.shape) + 100 * mask
        sample = dict(
            img_path=f'img_{i}.png',
            ori_shape=mask.shape,
            ori_img=image.astype(np.uint8),
        )
        if kind == 'maps':
            sample.update(
                seg_logits=dict(data=torch.from_numpy(prob)[None]),
                gt_sem_seg=dict(data=torch.from_numpy(mask)[None]),
            )
        else:
            path = Path(folder, f'mask_{i}.png')
            if not path.exists():
                cv2.imwrite(str(path), mask.astype(np.uint8) * 255)
            true = mask_boxes(mask)
            boxes = true + rng.integers(-1, 2, true.shape)
            boxes = np.concatenate([boxes, rng.integers(0, 9, (3, 4))])
            scores = rng.integers(1, 10, len(boxes)) / 10
            sample.update(
                seg_map_path=str(path),
                pred_instances=dict(
                    bboxes=torch.from_numpy(boxes).float(),
                    scores=torch.from_numpy(scores).float(),
                ),
                gt_instances=dict(bboxes=torch.from_numpy(true).float()),
            )
        samples.append(sample)
    return samples


def evaluate(
    name: str, folder: str, num: int = NUM, round_up: bool = True
) -> dict[str, float]:
    """Evaluate this process's share, as a distributed data loader gives it.

    Args:
        name (str): Of METRICS.
        folder (str): For the masks.
        num (int): Images.
        round_up (bool): Whether images are repeated until all processes have
            as many.

    Returns:
        dict[str, float]: The metric's numbers.
    """
    build, kind = METRICS[name]
    samples, metric = make_samples(kind, folder)[:num], build()
    sampler = DefaultSampler(samples, shuffle=False, round_up=round_up)
    share = [samples[i] for i in sampler]
    for i in range(0, len(share), 2):
        metric.process(None, share[i : i + 2])
    assert len(metric.results) == len(share)
    return metric.evaluate(num)


def evaluate_rank(
    rank: int, world: int, folder: str, num: int, round_up: bool
) -> None:
    """All metrics in one of several processes; the results go to a file."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        'gloo', f'file://{folder}/store', rank=rank, world_size=world
    )
    found = {name: evaluate(name, folder, num, round_up) for name in METRICS}
    torch.save(found, f'{folder}/{rank}.pt')
    torch.distributed.destroy_process_group()
