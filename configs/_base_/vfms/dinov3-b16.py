_base_ = './dinov3-s16.py'
vfm = dict(model_name='vit_base_patch16_dinov3.lvd1689m')
