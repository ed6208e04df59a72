model = dict(
    type='EncoderDecoder',
    backbone=dict(type='fdep_mm.MLCLNetEncoder'),
    decode_head=dict(type='fdep_mm.MLCLNetHead'),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
