# SIRST-V2 (boxes) in crops. Most that should hold a target and do not are
# drawn again, from another image; 73 % of all crops hold one.
_base_ = './sirst-v2_det.py'
crop = dict(type='RandomCrop', crop_size=(320, 320))
train_pipeline = [
    dict(type='fdep_mm.LoadInfraredImage', gray=False, to_float32=False),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='Resize', scale=(1000, 600), keep_ratio=True),
    dict(
        type='RandomChoice',
        transforms=[
            [dict(crop, allow_negative_crop=True)],
            [dict(crop, allow_negative_crop=False)],
        ],
        prob=[0.1, 0.9],
    ),
    dict(type='RandomFlip', prob=0.5),
    dict(type='fdep_mm.GenerateNoCoMap'),
    dict(type='fdep_mm.PackSIRSTDetInputs'),
]
train_dataloader = dict(
    batch_size=16,
    dataset=dict(times=2, dataset=dict(pipeline=train_pipeline)),
)
