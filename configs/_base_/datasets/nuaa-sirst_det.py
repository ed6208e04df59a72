# NUAA-SIRST (SIRST v1) as boxes of its masks, 213 images for training and 214
# for test. NUDT-SIRST and IRSTD-1K have the same layout.
_base_ = './sirst_det.py'

masks = dict(
    data_root='{{$FDEP_DATA:data}}/NUAA-SIRST/',
    data_prefix=dict(img_path='images', seg_map_path='masks'),
    box_source='mask',
)
train_dataloader = dict(
    dataset=dict(dataset=dict(masks, ann_file='img_idx/train_NUAA-SIRST.txt'))
)
val_dataloader = dict(
    dataset=dict(masks, ann_file='img_idx/test_NUAA-SIRST.txt')
)
test_dataloader = val_dataloader
