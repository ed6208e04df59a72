# NUAA-SIRST, NUDT-SIRST and SIRST-V2 together, 1344 images for training and
# 1134 for test: for a network that is used rather than compared. Of the 1644
# training images those that look like one of any test split are left out, by
# tools/check_dataset.py COPY --write-split DIR --on-leak drop-earlier
# on a copy of this file with the published splits for training.
_base_ = './sirst_256x256.py'

data_root = '{{$FDEP_DATA:data}}/'
splits = '{{fileDirname}}/nuaa-nudt-sirstv2'
# The three sets' constants, weighted by their 213, 663 and 768 images.
data_preprocessor = dict(
    mean=[105.44] * 3, std=[35.35] * 3, pad_val=-105.44 / 35.35
)

sets = {
    'NUAA-SIRST': dict(ann_file='img_idx/test_NUAA-SIRST.txt'),
    'NUDT-SIRST': dict(ann_file='img_idx/test_NUDT-SIRST.txt'),
    'sirst-v2': dict(
        ann_file='splits/test_full.txt',
        data_prefix=dict(img_path='mixed', seg_map_path='annotations/masks'),
        seg_map_suffix='_pixels0.png',
    ),
}
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='ConcatDataset',
        datasets=[
            dict(_base_.train_dataloader.dataset, data_root=data_root + name)
            | one
            | dict(ann_file=f'{splits}/{name}.txt')
            for name, one in sets.items()
        ],
    )
)
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='ConcatDataset',
        datasets=[
            dict(_base_.val_dataloader.dataset, data_root=data_root + name)
            | one
            for name, one in sets.items()
        ],
    )
)
test_dataloader = val_dataloader
