"""Small detectors and labels that several tests build; they need mmdet."""

from pathlib import Path

import torch
from builders import RANDOM_VFM
from mmdet.structures import DetDataSample
from mmengine.config import Config, ConfigDict
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData

import fdep_mm.detection  # noqa: F401, registers
from fdep_mm import CONFIG_ROOT
from fdep_mm.registry import MODELS

FIELDS = (91, 267, 427)  # one per level


def fcos_cfg(rfla: bool = False, **kwargs) -> dict:
    """FCOS with three levels, a few thousand parameters."""
    head = dict(
        type='FCOSHead',
        num_classes=1,
        in_channels=8,
        feat_channels=8,
        stacked_convs=1,
        strides=[8, 16, 32],
        regress_ranges=((-1, 64), (64, 128), (128, 1e8)),
        norm_cfg=dict(type='BN'),
    )
    if rfla:
        head.update(type='fdep_mm.RFLAFCOSHead', receptive_fields=FIELDS)
    return (
        dict(
            type='FCOS',
            data_preprocessor=dict(
                type='DetDataPreprocessor',
                mean=[90.0, 100.0, 110.0],
                std=[40.0, 50.0, 60.0],
                bgr_to_rgb=True,
                pad_size_divisor=32,
            ),
            backbone=dict(
                type='ResNet', depth=18, base_channels=4, out_indices=(1, 2, 3)
            ),
            neck=dict(
                type='FPN', in_channels=[8, 16, 32], out_channels=8, num_outs=3
            ),
            bbox_head=head,
            train_cfg=dict(assigner=dict(type='fdep_mm.RFLAAssigner')),
            test_cfg=dict(
                nms_pre=100,
                min_bbox_size=0,
                score_thr=0.0,
                nms=dict(type='nms', iou_threshold=0.5),
                max_per_img=10,
            ),
        )
        | kwargs
    )


def fdep_fcos_cfg(**kwargs) -> dict:
    return fcos_cfg(
        type='fdep_mm.COISDDetector',
        vfm=dict(RANDOM_VFM),
        samf=dict(type='fdep_mm.SAMFNeck'),
        level=0,
    ) | dict(kwargs)


def small_oscar_cfg() -> ConfigDict:
    """OSCAR of the base config, 32 channels in neck and towers."""
    path = Path(CONFIG_ROOT) / '_base_' / 'models' / 'oscar_r18_fpn.py'
    cfg = Config.fromfile(path).model
    cfg.backbone.update(base_channels=4, stem_channels=4)
    cfg.neck.update(in_channels=[4, 8, 16, 32], out_channels=32)
    cfg.bbox_head.head_module.update(in_channels=32, feat_channels=32)
    return cfg


def build_detector(cfg: dict) -> torch.nn.Module:
    """Built as a config's model is, and with its initial weights."""
    init_default_scope('mmdet')
    torch.manual_seed(0)
    model = MODELS.build(ConfigDict(cfg))
    model.init_weights()
    return model


def instances(*boxes: tuple[float, float, float, float]) -> InstanceData:
    return InstanceData(
        bboxes=torch.tensor(boxes).reshape(-1, 4).float(),
        labels=torch.zeros(len(boxes), dtype=torch.long),
    )


def det_samples(batch: int = 2, size: tuple = (64, 64)) -> list[DetDataSample]:
    """Labels with one 6x5 target each."""
    out = []
    for i in range(batch):
        sample = DetDataSample(
            gt_instances=instances((20 + i, 10, 26 + i, 15))
        )
        sample.set_metainfo(
            dict(
                img_shape=size,
                ori_shape=size,
                pad_shape=size,
                batch_input_shape=size,
                scale_factor=(1.0, 1.0),
            )
        )
        out.append(sample)
    return out
