vfm = dict(
    type='fdep_mm.FrozenVFM',
    model_name='vit_small_patch14_dinov2.lvd142m',
    out_indices=(2, 5, 8, 11),
)
samf = dict(type='fdep_mm.SAMFNeck')
