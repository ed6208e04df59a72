# IRSTD-1K, 800 images for training and 201 for test.
_base_ = './sirst_256x256.py'

data_root = '{{$FDEP_DATA:data}}/IRSTD-1K/'
# The constants that the BasicIRSTD toolkit publishes for this data set; not
# computed here.
data_preprocessor = dict(
    mean=[87.47] * 3, std=[39.72] * 3, pad_val=-87.47 / 39.72
)

train_dataloader = dict(
    dataset=dict(data_root=data_root, ann_file='img_idx/train_IRSTD-1K.txt')
)
val_dataloader = dict(
    dataset=dict(data_root=data_root, ann_file='img_idx/test_IRSTD-1K.txt')
)
test_dataloader = val_dataloader
