# NUAA-SIRST (SIRST v1), 213 images for training and 214 for test.
_base_ = './sirst_256x256.py'

data_root = '{{$FDEP_DATA:data}}/NUAA-SIRST/'
# Average over the 213 training images of each gray image's mean and std.
data_preprocessor = dict(
    mean=[110.68] * 3, std=[29.35] * 3, pad_val=-110.68 / 29.35
)

train_dataloader = dict(
    dataset=dict(data_root=data_root, ann_file='img_idx/train_NUAA-SIRST.txt')
)
val_dataloader = dict(
    dataset=dict(data_root=data_root, ann_file='img_idx/test_NUAA-SIRST.txt')
)
test_dataloader = val_dataloader
