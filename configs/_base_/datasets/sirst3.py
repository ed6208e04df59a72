# SIRST3: NUAA-SIRST, NUDT-SIRST and IRSTD-1K together, 1676 images for
# training and 1079 for test.
_base_ = './sirst_256x256.py'

data_root = '{{$FDEP_DATA:data}}/'
names = ('NUAA-SIRST', 'NUDT-SIRST', 'IRSTD-1K')
# The three sets' constants, weighted by their 213, 663 and 800 training
# images.
data_preprocessor = dict(
    mean=[98.55] * 3, std=[35.83] * 3, pad_val=-98.55 / 35.83
)

train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='ConcatDataset',
        datasets=[
            dict(
                _base_.train_dataloader.dataset,
                data_root=f'{data_root}{name}/',
                ann_file=f'img_idx/train_{name}.txt',
            )
            for name in names
        ],
    )
)
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='ConcatDataset',
        datasets=[
            dict(
                _base_.val_dataloader.dataset,
                data_root=f'{data_root}{name}/',
                ann_file=f'img_idx/test_{name}.txt',
            )
            for name in names
        ],
    )
)
test_dataloader = val_dataloader
