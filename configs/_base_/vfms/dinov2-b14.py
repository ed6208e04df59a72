_base_ = './dinov2-s14.py'
vfm = dict(model_name='vit_base_patch14_dinov2.lvd142m')
