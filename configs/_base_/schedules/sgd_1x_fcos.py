# 12 epochs of SGD, steps after 8 and 11, for batch 4 on one GPU.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=5e-3, momentum=0.9, weight_decay=1e-4),
    paramwise_cfg=dict(bias_lr_mult=2.0, bias_decay_mult=0.0),
    clip_grad=dict(max_norm=35, norm_type=2),
)
steps = dict(type='MultiStepLR', milestones=[8, 11], gamma=0.1)
# 500 iterations at a third; the step at `end - 1` is the first full one
param_scheduler = [
    dict(type='ConstantLR', factor=1 / 3, end=501, by_epoch=False),
    steps,
]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=12, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
auto_scale_lr = dict(enable=False, base_batch_size=4)
