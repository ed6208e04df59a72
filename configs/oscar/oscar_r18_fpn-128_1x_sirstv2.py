_base_ = './oscar_r18_fpn-256_1x_sirstv2.py'
model = dict(
    neck=dict(out_channels=128),
    bbox_head=dict(head_module=dict(in_channels=128)),
)
