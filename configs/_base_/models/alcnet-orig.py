model = dict(
    type='EncoderDecoder',
    backbone=dict(type='fdep_mm.ALCNetOrigEncoder'),
    decode_head=dict(type='fdep_mm.ALCNetOrigHead'),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
