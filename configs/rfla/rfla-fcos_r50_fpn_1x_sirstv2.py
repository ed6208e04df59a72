_base_ = '../fcos/fcos_r50_fpn_1x_sirstv2.py'
model = dict(
    bbox_head=dict(type='fdep_mm.RFLAFCOSHead'),
    train_cfg=dict(
        assigner=dict(type='fdep_mm.RFLAAssigner', topk=(6, 1), ratio=0.9)
    ),
)
# warm-up over 5000 of the 6912 iterations, past the first step
param_scheduler = [
    dict(type='ConstantLR', factor=1 / 3, end=5001, by_epoch=False),
    _base_.steps,
]
