_base_ = [
    '../_base_/models/mshnet.py',
    '../_base_/datasets/nuaa-sirst.py',
    '../_base_/schedules/adamw_cos_100e.py',
    '../_base_/default_runtime.py',
]
model = dict(data_preprocessor=_base_.data_preprocessor)
