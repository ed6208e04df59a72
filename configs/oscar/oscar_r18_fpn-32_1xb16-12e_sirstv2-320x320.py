_base_ = [
    '../_base_/models/oscar_r18_fpn-32.py',
    '../_base_/datasets/sirst-v2_det_320x320.py',
    '../_base_/schedules/adamw_cos_12e.py',
    '../_base_/default_runtime_det.py',
]
model = dict(data_preprocessor=_base_.data_preprocessor)
default_hooks = dict(precise_bn=dict(type='fdep_mm.PreciseBNHook'))
