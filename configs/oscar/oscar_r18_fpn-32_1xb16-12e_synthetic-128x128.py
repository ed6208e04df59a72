_base_ = [
    '../_base_/models/oscar_r18_fpn.py',
    '../_base_/datasets/synthetic_det.py',
    '../_base_/schedules/adamw_cos_12e.py',
    '../_base_/default_runtime_det.py',
]
# A quarter of the width, and scores that start low: 480 steps are few.
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
