# MSHNet of the package PepperPepper. What it deploys is the finest of its
# maps; the others' layers (output_1 to output_3, final) are not run.
model = dict(
    type='EncoderDecoder',
    backbone=dict(
        type='fdep_mm.TorchNet',
        net='PepperPepper.IRSTD.models.MSHNet:MSHNet',
        bottleneck='middle_layer',
    ),
    decode_head=dict(type='fdep_mm.IdentityHead'),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
