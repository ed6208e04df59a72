_base_ = [
    '../_base_/models/alclnet.py',
    '../_base_/datasets/nuaa-sirst.py',
    '../_base_/schedules/adamw_cos_100e_lr5e-4.py',
    '../_base_/default_runtime.py',
]
model = dict(data_preprocessor=_base_.data_preprocessor)
