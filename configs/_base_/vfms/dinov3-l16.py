_base_ = './dinov3-s16.py'
vfm = dict(
    model_name='vit_large_patch16_dinov3.lvd1689m',
    out_indices=(5, 11, 17, 23),
)
