model = dict(
    type='EncoderDecoder',
    backbone=dict(type='fdep_mm.GGLNetEncoder'),
    decode_head=dict(type='fdep_mm.GGLNetHead'),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
