# A quarter of the width, and scores that start low: for short runs on a CPU.
_base_ = './oscar_r18_fpn.py'
width = 32
model = dict(
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
