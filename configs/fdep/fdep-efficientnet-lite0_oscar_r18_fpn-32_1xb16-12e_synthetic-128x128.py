_base_ = [
    '../oscar/oscar_r18_fpn-32_1xb16-12e_synthetic-128x128.py',
    '../_base_/vfms/efficientnet-lite0.py',
]
model = dict(
    type='fdep_mm.COISDDetector', vfm=_base_.vfm, samf=_base_.samf, level=-1
)
