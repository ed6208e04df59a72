# SIRST-V2 for detectors that read no NoCo maps: all but OSCAR.
_base_ = './sirst-v2_det.py'
train_pipeline = [
    t for t in _base_.train_pipeline if t.type != 'fdep_mm.GenerateNoCoMap'
]
train_dataloader = dict(dataset=dict(dataset=dict(pipeline=train_pipeline)))
