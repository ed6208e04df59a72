model = dict(
    type='EncoderDecoder',
    backbone=dict(type='fdep_mm.ALCNetEncoder'),
    decode_head=dict(type='fdep_mm.ALCNetHead'),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
