# What all SIRST data sets share. A child sets data_root, ann_file and the
# normalization; it is not usable alone.
dataset_type = 'fdep_mm.SIRSTDataset'
crop_size = (256, 256)

data_preprocessor = dict(
    type='SegDataPreProcessor',
    bgr_to_rgb=True,
    # Crops are full already; only test images are padded here. Training
    # pads with black before normalization, as the PAL framework does, so
    # children set pad_val = -mean / std: black after normalization.
    size=crop_size,
    seg_pad_val=0,
    test_cfg=dict(size_divisor=32),
)

# Three draws with replacement in every second image, with relative weights:
# the recipe of the PAL framework.
augmentation = dict(
    type='fdep_mm.RandomDraw',
    num=3,
    prob=0.5,
    weights=[0.5, 0.5, 0.5, 0.5, 0.2, 0.2, 0.3, 0.5, 0.5, 0.2, 1.0],
    transforms=[
        dict(type='RandomFlip', prob=1.0, direction='vertical'),
        dict(type='RandomFlip', prob=1.0, direction='horizontal'),
        dict(type='fdep_mm.RandomTranspose'),
        dict(type='fdep_mm.RandomRot90'),
        dict(type='fdep_mm.RandomBrightnessContrast', brightness=0.3),
        dict(type='fdep_mm.RandomBrightnessContrast', contrast=0.3),
        dict(type='fdep_mm.RandomShiftScaleRotate', degree=45),
        dict(type='fdep_mm.RandomShiftScaleRotate', shift=0.1),
        dict(type='fdep_mm.RandomShiftScaleRotate', scale=0.2),
        dict(type='fdep_mm.RandomGaussianNoise', variance=(10, 50)),
        [],  # nothing
    ],
)
train_pipeline = [
    dict(type='fdep_mm.LoadInfraredImage'),
    dict(type='fdep_mm.LoadSIRSTMask'),
    # Half of the crops forced onto a target: BasicIRSTD's habit; PAL's
    # description only says "random crop".
    dict(type='fdep_mm.TargetCrop', crop_size=crop_size, target_prob=0.5),
    augmentation,
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='fdep_mm.LoadInfraredImage'),
    dict(type='fdep_mm.LoadSIRSTMask'),
    dict(type='PackSegInputs'),
]
flip_views = [
    [
        dict(type='RandomFlip', prob=0.0),
        dict(type='RandomFlip', prob=1.0, direction='horizontal'),
        dict(type='RandomFlip', prob=1.0, direction='vertical'),
    ]
]
# The mask is loaded after the flips: it stays as it is.
tta_model = dict(type='fdep_mm.SIRSTTTAModel')
tta_pipeline = [
    dict(type='fdep_mm.LoadInfraredImage'),
    dict(
        type='TestTimeAug',
        transforms=flip_views
        + [
            [dict(type='fdep_mm.LoadSIRSTMask')],
            [dict(type='PackSegInputs')],
        ],
    ),
]

train_dataloader = dict(
    batch_size=16,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type=dataset_type,
        data_prefix=dict(img_path='images', seg_map_path='masks'),
        pipeline=train_pipeline,
    ),
)
# As the field does, children validate on the test split; most of these sets
# have no other.
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_prefix=dict(img_path='images', seg_map_path='masks'),
        pipeline=test_pipeline,
        test_mode=True,
    ),
)
test_dataloader = val_dataloader

val_evaluator = [dict(type='fdep_mm.SIRSTMetric')]
test_evaluator = [
    dict(type='fdep_mm.SIRSTMetric'),
    dict(type='fdep_mm.HSEMetric'),
]
