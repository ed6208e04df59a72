# A segmentor of mmseg's own configs as a host; configs/README.md shows how.
# `mmseg_configs` is where they are installed, `fdep` what is put into `model`,
# `one_channel` what is put into each head.
_base_ = [
    'datasets/{{$FDEP_SET:nuaa-sirst}}.py',
    'schedules/adamw_cos_100e.py',
    'default_runtime.py',
    'vfms/{{$FDEP_VFM:dinov3-s16}}.py',
]
mmseg_configs = __import__('mmseg').__path__[0] + '/.mim/configs/'
fdep = dict(
    type='fdep_mm.COISDSegmentor',
    vfm=_base_.vfm,
    samf=_base_.samf,
    data_preprocessor=_base_.data_preprocessor,
    test_cfg=dict(mode='whole'),
)
one_channel = dict(
    num_classes=2,
    out_channels=1,
    threshold=0.5,
    sampler=None,  # mmseg's compares classes, of which one channel has none
    # a list replaces what is there, a dict would be merged into it
    loss_decode=[dict(type='fdep_mm.EdgeBCELoss')],
)
