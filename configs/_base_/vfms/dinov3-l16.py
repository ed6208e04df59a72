vfm = dict(
    type='fdep_mm.FrozenVFM',
    model_name='vit_large_patch16_dinov3.lvd1689m',
    out_indices=(5, 11, 17, 23),
)
samf = dict(type='fdep_mm.SAMFNeck')
