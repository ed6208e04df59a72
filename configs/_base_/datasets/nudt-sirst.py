# NUDT-SIRST, 663 images for training and 664 for test.
_base_ = './sirst_256x256.py'

data_root = '{{$FDEP_DATA:data}}/NUDT-SIRST/'
# Average over the 663 training images of each gray image's mean and std.
data_preprocessor = dict(
    mean=[108.02] * 3, std=[33.21] * 3, pad_val=-108.02 / 33.21
)

train_dataloader = dict(
    dataset=dict(data_root=data_root, ann_file='img_idx/train_NUDT-SIRST.txt')
)
val_dataloader = dict(
    dataset=dict(data_root=data_root, ann_file='img_idx/test_NUDT-SIRST.txt')
)
test_dataloader = val_dataloader
