model = dict(
    type='EncoderDecoder',
    backbone=dict(type='fdep_mm.UIUNetEncoder'),
    decode_head=dict(type='fdep_mm.UIUNetHead'),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
