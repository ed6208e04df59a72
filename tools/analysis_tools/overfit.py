"""Can a network learn at all? Train it on eight images and score those.

The images are the first of the config's training split that hold a target,
cropped around it and not augmented. The score is the IoU on the same images
in evaluation mode; the exit code is 1 if a network stays below --iou.

A network whose logits are at a quarter of the image's size can never draw the
outline of a target of a few pixels: give --min-area.

Example:
    python tools/analysis_tools/overfit.py --steps 200 \
        configs/acm/acm_1xb16-400e_nuaa-sirst-256x256.py
"""

import sys
import time
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config

from fdep_mm.core.command import Parser, command
from fdep_mm.core.config_check import open_config
from fdep_mm.evaluation import evaluate_masks
from fdep_mm.registry import DATASETS, MODELS


def crops_with_target(cfg: Config, num: int, size: int, area: int) -> dict:
    """A batch of crops, as the data loader would collate it."""
    cfg.train_dataloader.dataset.pipeline = [
        dict(type='fdep_mm.LoadInfraredImage'),
        dict(type='fdep_mm.LoadSIRSTMask'),
        dict(
            type='fdep_mm.TargetCrop', crop_size=(size, size), target_prob=1.0
        ),
        dict(type='PackSegInputs'),
    ]
    cfg.model.data_preprocessor.size = (size, size)
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    samples = []
    for sample in dataset:
        if sample['data_samples'].gt_sem_seg.data.sum() >= area:
            samples.append(sample)
        if len(samples) == num:
            return {key: [s[key] for s in samples] for key in samples[0]}
    raise ValueError(
        f'only {len(samples)} training images have targets of '
        f'{area} px: give smaller --images or --min-area'
    )


def overfit(cfg: Config, batch: dict, steps: int, seed: int) -> float:
    """Train on one batch; give its IoU in evaluation mode."""
    torch.manual_seed(seed)
    model = MODELS.build(cfg.model).train()
    data = model.data_preprocessor(batch, True)
    lr = cfg.optim_wrapper.optimizer.lr
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, steps)
    for _ in range(steps):
        total, _ = model.parse_losses(model.loss(**data))
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        schedule.step()
    model.eval()
    with torch.no_grad():
        prob = model(data['inputs']).sigmoid()[:, 0].numpy()
    masks = [s.gt_sem_seg.data[0].numpy() for s in data['data_samples']]
    return evaluate_masks(list(prob), masks)['IoU']


@command()
def main() -> None:
    """Print one line per config."""
    parser = Parser(__doc__)
    add = parser.add_argument
    add('config', nargs='+', help='configs of hosts')
    add('--images', type=int, default=8)
    add('--size', type=int, default=256, help='crop, px')
    add('--steps', type=int, default=200)
    add('--min-area', type=int, default=1, help='of the target, px')
    add('--iou', type=float, default=0.9, help='to reach')
    add('--seed', type=int, default=0)
    args = parser.parse_args()
    failed = []
    for path in args.config:
        cfg = open_config(path)
        np.random.seed(args.seed)
        batch = crops_with_target(cfg, args.images, args.size, args.min_area)
        start = time.perf_counter()
        iou = overfit(cfg, batch, args.steps, args.seed)
        print(
            f'{Path(path).stem}: IoU {iou:.3f} on {args.images} images of '
            f'{args.size}x{args.size} after {args.steps} steps, '
            f'{time.perf_counter() - start:.0f} s',
            flush=True,
        )
        if not iou >= args.iou:
            failed.append(Path(path).stem)
    if failed:
        sys.exit(f'error: IoU below {args.iou}: {", ".join(failed)}')


if __name__ == '__main__':
    sys.exit(main())
