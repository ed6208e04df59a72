_base_ = [
    '../_base_/models/gglnet.py',
    '../_base_/datasets/sirst-v2.py',
    '../_base_/schedules/adamw_cos_100e_lr5e-4.py',
    '../_base_/default_runtime.py',
]
model = dict(data_preprocessor=_base_.data_preprocessor)
