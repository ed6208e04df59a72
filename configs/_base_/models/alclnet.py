model = dict(
    type='EncoderDecoder',
    backbone=dict(type='fdep_mm.ALCLNetEncoder'),
    decode_head=dict(type='fdep_mm.ALCLNetHead'),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
