_base_ = [
    '../oscar/oscar_r18_fpn-128_1x_sirstv2.py',
    '../_base_/vfms/{{$FDEP_VFM:dinov3-s16}}.py',
]
model = dict(
    type='fdep_mm.COISDDetector', vfm=_base_.vfm, samf=_base_.samf, level=-1
)
