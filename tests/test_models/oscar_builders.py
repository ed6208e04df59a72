"""OSCAR from its config, small or as published, and labels for it."""

from pathlib import Path

import torch
from detector_builders import det_samples
from mmengine.config import Config
from mmengine.structures import PixelData

CONFIGS = Path(__file__).parents[2] / 'configs'
PREPROCESSOR = dict(
    type='fdep_mm.OSCARDataPreprocessor',
    mean=[111.89] * 3,
    std=[27.62] * 3,
    bgr_to_rgb=True,
    pad_size_divisor=32,
)


def oscar_cfg(width=256, base_channels=64, **head_module):
    cfg = Config.fromfile(CONFIGS / '_base_/models/oscar_r18_fpn.py').model
    cfg.data_preprocessor = PREPROCESSOR
    cfg.backbone.base_channels = base_channels
    cfg.neck.in_channels = [base_channels << i for i in range(4)]
    cfg.neck.out_channels = width
    cfg.bbox_head.head_module.update(in_channels=width, **head_module)
    return cfg.to_dict()


def small_cfg(**head_module):
    norm_cfg = dict(type='GN', num_groups=2)
    return oscar_cfg(8, 4, norm_cfg=norm_cfg, **head_module)


def oscar_samples(batch=2, size=(64, 64)):
    samples = det_samples(batch, size)
    for sample in samples:
        sample.gt_noco = PixelData(data=torch.rand(1, *size))
    return samples


def oscar_losses(model, size=(64, 64), samples=None):
    samples = samples or oscar_samples(2, size)
    images = torch.randn(len(samples), 3, *size)
    return model.bbox_head.loss(model.extract_feat(images), samples)
