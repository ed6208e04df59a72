_base_ = [
    '../_base_/models/oscar_r18_fpn-32.py',
    '../_base_/datasets/synthetic_det.py',
    '../_base_/schedules/adamw_cos_12e.py',
    '../_base_/default_runtime_det.py',
]
model = dict(data_preprocessor=_base_.data_preprocessor)
