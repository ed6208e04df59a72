_base_ = [
    '../alclnet/alclnet_1xb16-400e_sirst3-256x256.py',
    '../_base_/vfms/{{$FDEP_VFM:dinov3-s16}}.py',
]
model = dict(type='fdep_mm.COISDSegmentor', vfm=_base_.vfm, samf=_base_.samf)
