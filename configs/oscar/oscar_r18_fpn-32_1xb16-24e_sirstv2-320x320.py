# What two CPU cores can train: a quarter of the width, crops of 320x320. Of
# the crops that must hold a target most are drawn again, in another image, so
# about half of the batch holds one.
_base_ = [
    '../_base_/models/oscar_r18_fpn.py',
    '../_base_/datasets/sirst-v2_det.py',
    '../_base_/schedules/adamw_cos_12e.py',
    '../_base_/default_runtime_det.py',
]
width = 32
model = dict(
    data_preprocessor=_base_.data_preprocessor,
    backbone=dict(base_channels=16),
    neck=dict(in_channels=[16, 32, 64, 128], out_channels=width),
    bbox_head=dict(
        head_module=dict(
            in_channels=width,
            norm_cfg=dict(type='GN', num_groups=4),
            prior_prob=0.01,
        ),
    ),
)
crop = dict(type='RandomCrop', crop_size=(320, 320))
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='Resize', scale=(1000, 600), keep_ratio=True),
    dict(
        type='RandomChoice',
        transforms=[
            [dict(crop, allow_negative_crop=True)],
            [dict(crop, allow_negative_crop=False)],
        ],
        prob=[0.1, 0.9],
    ),
    dict(type='RandomFlip', prob=0.5),
    dict(type='fdep_mm.GenerateNoCoMap'),
    dict(type='fdep_mm.PackSIRSTDetInputs'),
]
train_dataloader = dict(
    batch_size=16,
    dataset=dict(times=1, dataset=dict(pipeline=train_pipeline)),
)
default_hooks = dict(precise_bn=dict(type='fdep_mm.PreciseBNHook'))
train_cfg = dict(max_epochs=24, val_interval=8)
