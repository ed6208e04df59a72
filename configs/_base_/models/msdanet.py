model = dict(
    type='EncoderDecoder',
    backbone=dict(type='fdep_mm.MSDANetEncoder'),
    decode_head=dict(type='fdep_mm.MSDANetHead'),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
