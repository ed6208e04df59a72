_base_ = [
    '../_base_/models/fcos_r50_fpn.py',
    '../_base_/datasets/sirst-v2_det.py',
    '../_base_/schedules/sgd_1x_fcos.py',
    '../_base_/default_runtime_det.py',
]
model = dict(data_preprocessor=_base_.data_preprocessor)
# nothing here reads NoCo maps
train_pipeline = [
    t for t in _base_.train_pipeline if t.type != 'fdep_mm.GenerateNoCoMap'
]
train_dataloader = dict(dataset=dict(dataset=dict(pipeline=train_pipeline)))
