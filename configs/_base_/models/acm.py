model = dict(
    type='EncoderDecoder',
    backbone=dict(type='fdep_mm.ACMEncoder'),
    decode_head=dict(type='fdep_mm.ACMHead'),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
