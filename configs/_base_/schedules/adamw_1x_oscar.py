# The toolkit's: 12 epochs, warm-up of 1000 iterations, poly by epoch, weight
# decay on all parameters. `--amp` trains with mixed precision as it does.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=2e-3, weight_decay=0.05),
)
# an `end` one later than the last step: factor t / 1000 and 1 - e / 12
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6, end=1001, by_epoch=False),
    dict(type='PolyLR', power=1, eta_min=0, end=13),
]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=12, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
auto_scale_lr = dict(enable=False, base_batch_size=4)
