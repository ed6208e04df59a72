model = dict(
    type='EncoderDecoder',
    backbone=dict(type='fdep_mm.DNANetEncoder'),
    decode_head=dict(type='fdep_mm.DNANetHead'),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
