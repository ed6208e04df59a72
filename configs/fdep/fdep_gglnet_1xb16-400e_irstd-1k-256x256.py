_base_ = [
    '../gglnet/gglnet_1xb16-400e_irstd-1k-256x256.py',
    '../_base_/vfms/{{$FDEP_VFM:dinov3-s16}}.py',
]
model = dict(type='fdep_mm.COISDSegmentor', vfm=_base_.vfm, samf=_base_.samf)
