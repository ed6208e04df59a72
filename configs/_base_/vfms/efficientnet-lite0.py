# the file is made by tools/model_converters/efficientnet_lite.py
vfm = dict(
    type='fdep_mm.FrozenVFM',
    model_name='tf_efficientnet_lite0.in1k',
    out_indices=(1, 2, 3, 4),  # strides 4, 8, 16 and 32
    checkpoint='checkpoints/tf_efficientnet_lite0.pth',
)
samf = dict(type='fdep_mm.SAMFNeck')
