# SIRST-V2 (boxes), 768 images for training and 256 for test; half of them
# hold no target.
_base_ = './sirst_det.py'

# box_source 'mask' instead of 'xml' corrects one training image (Misc_111)
v2_layout = dict(
    data_root='{{$FDEP_DATA:data}}/sirst-v2/',
    data_prefix=dict(
        img_path='mixed',
        ann_path='annotations/bboxes',
        seg_map_path='annotations/masks',
    ),
    seg_map_suffix='_pixels0.png',
    box_source='xml',
)
train_dataloader = dict(
    dataset=dict(dataset=dict(v2_layout, ann_file='splits/trainval_full.txt'))
)
# As OSCAR's runs did: no split of its own for validation.
val_dataloader = dict(dataset=dict(v2_layout, ann_file='splits/test_full.txt'))
test_dataloader = val_dataloader
