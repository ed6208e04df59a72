# made by tools/model_converters/efficientnet_lite.py --variant lite2
_base_ = './efficientnet-lite0.py'
vfm = dict(
    model_name='tf_efficientnet_lite2.in1k',
    checkpoint='checkpoints/tf_efficientnet_lite2.pth',
)
