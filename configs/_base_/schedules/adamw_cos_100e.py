# AdamW, a cosine to 1e-5 times a warm-up of 5 epochs, by iteration. Without
# `end` the cosine ends with train_cfg.max_epochs, whoever sets it.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=1e-2),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, end=5, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', eta_min=1e-5, convert_to_iter_based=True),
]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=100, val_interval=10)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
auto_scale_lr = dict(enable=False, base_batch_size=16)
