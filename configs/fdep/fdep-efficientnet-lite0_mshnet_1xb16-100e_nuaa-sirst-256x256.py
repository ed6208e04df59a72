_base_ = [
    '../mshnet/mshnet_1xb16-100e_nuaa-sirst-256x256.py',
    '../_base_/vfms/efficientnet-lite0.py',
]
model = dict(type='fdep_mm.COISDSegmentor', vfm=_base_.vfm, samf=_base_.samf)
