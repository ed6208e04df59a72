vfm = dict(
    type='fdep_mm.FrozenVFM',
    model_name='samvit_base_patch16.sa1b',
    out_indices=(2, 5, 8, 11),
    norm=False,
)  # SAM's last norm is a neck of 256 channels
samf = dict(type='fdep_mm.SAMFNeck')
