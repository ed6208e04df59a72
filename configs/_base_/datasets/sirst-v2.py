# SIRST-V2 (segmentation), 768 images for training and 256 for test; half of
# them hold no target.
_base_ = './sirst_256x256.py'

data_root = '{{$FDEP_DATA:data}}/sirst-v2/'
# Average over the 768 training images of each gray image's mean and std,
# backgrounds above 1000x600 scaled down to that size.
data_preprocessor = dict(
    mean=[101.76] * 3, std=[38.86] * 3, pad_val=-101.76 / 38.86
)

v2_layout = dict(
    data_root=data_root,
    data_prefix=dict(img_path='mixed', seg_map_path='annotations/masks'),
    seg_map_suffix='_pixels0.png',
)
train_dataloader = dict(
    dataset=dict(v2_layout, ann_file='splits/trainval_full.txt')
)
val_dataloader = dict(dataset=dict(v2_layout, ann_file='splits/test_full.txt'))
test_dataloader = val_dataloader
