# For what is not trained. Set train_dataloader = None in the leaf.
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
