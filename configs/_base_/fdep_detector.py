# A one-stage detector of mmdet's own configs as a host; configs/README.md
# shows how. `mmdet_configs` is where they are installed, `fdep` what is put
# into `model`.
_base_ = [
    'datasets/{{$FDEP_SET:nuaa-sirst}}_det.py',
    'schedules/adamw_cos_12e.py',
    'default_runtime_det.py',
    'vfms/{{$FDEP_VFM:dinov3-s16}}.py',
]
mmdet_configs = __import__('mmdet').__path__[0] + '/.mim/configs/'
fdep = dict(
    type='fdep_mm.COISDDetector',
    vfm=_base_.vfm,
    samf=_base_.samf,
    data_preprocessor=_base_.data_preprocessor,
)
# nothing here reads NoCo maps
train_pipeline = [
    t for t in _base_.train_pipeline if t.type != 'fdep_mm.GenerateNoCoMap'
]
train_dataloader = dict(dataset=dict(dataset=dict(pipeline=train_pipeline)))
