_base_ = [
    '../_base_/models/alcnet.py',
    '../_base_/datasets/nuaa-nudt-sirstv2.py',
    '../_base_/schedules/adamw_cos_100e.py',
    '../_base_/default_runtime.py',
]
model = dict(data_preprocessor=_base_.data_preprocessor)
train_cfg = dict(max_epochs=50)
# statistics of the final weights: this network is not compared but used
default_hooks = dict(precise_bn=dict(type='fdep_mm.PreciseBNHook'))
