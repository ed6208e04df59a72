_base_ = [
    '../_base_/models/oscar_r18_fpn.py',
    '../_base_/datasets/sirst-v2_det.py',
    '../_base_/schedules/adamw_1x_oscar.py',
    '../_base_/default_runtime_det.py',
]
model = dict(data_preprocessor=_base_.data_preprocessor)
