# SCTransNet of the package PepperPepper, with its own settings. Its position
# embeddings are not run.
settings = dict(
    transformer=dict(
        num_heads=4,
        num_layers=4,
        embeddings_dropout_rate=0.1,
        attention_dropout_rate=0.1,
        dropout_rate=0,
    ),
    KV_size=480,
    patch_sizes=[16, 8, 4, 2],
    base_channel=32,
    n_classes=1,
)
model = dict(
    type='EncoderDecoder',
    backbone=dict(
        type='fdep_mm.TorchNet',
        net='PepperPepper.IRSTD.models.SCTransNet:SCTransNet',
        kwargs=dict(config=settings),
        bottleneck='down_encoder4',
        output=-1,
        in_channels=1,
    ),
    decode_head=dict(type='fdep_mm.IdentityHead'),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
