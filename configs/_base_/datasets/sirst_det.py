# What all SIRST data sets share as boxes. A child sets data_root, ann_file
# and where the boxes come from; it is not usable alone.
dataset_type = 'fdep_mm.SIRSTDetDataset'

# Mean of the 427 images of SIRST v1, and mean of their standard deviations:
# the constants of OSCAR, whatever the data set.
data_preprocessor = dict(
    type='fdep_mm.OSCARDataPreprocessor',
    mean=[111.89] * 3,
    std=[27.62] * 3,
    bgr_to_rgb=True,
    pad_size_divisor=32,
)

# As OSCAR's loader, this keeps the colors of tinted files and whole numbers.
# With gray=True, training and metric see the same gray.
train_pipeline = [
    dict(type='fdep_mm.LoadInfraredImage', gray=False, to_float32=False),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='Resize', scale=(1000, 600), keep_ratio=True),
    dict(type='RandomFlip', prob=0.5),
    dict(type='fdep_mm.GenerateNoCoMap'),
    dict(type='fdep_mm.PackSIRSTDetInputs'),
]
# Boxes are loaded after the resize: the metric wants them as in the file.
test_pipeline = [
    dict(type='fdep_mm.LoadInfraredImage', gray=False, to_float32=False),
    dict(type='Resize', scale=(1000, 600), keep_ratio=True),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='fdep_mm.PackSIRSTDetInputs'),
]

train_dataloader = dict(
    batch_size=4,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='AspectRatioBatchSampler'),
    dataset=dict(
        type='RepeatDataset',
        times=3,
        dataset=dict(
            type=dataset_type,
            # half of SIRST-V2 has no target, and is trained on
            filter_cfg=dict(filter_empty_gt=False),
            pipeline=train_pipeline,
        ),
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type=dataset_type, pipeline=test_pipeline, test_mode=True),
)
test_dataloader = val_dataloader

# The paper's centroids for comparison with published numbers, and unbiased
# ones.
val_evaluator = [
    dict(type='fdep_mm.NoCoAPMetric'),
    dict(
        type='fdep_mm.NoCoAPMetric',
        centroid_mode='pixel_center',
        prefix='pixel',
    ),
]
test_evaluator = val_evaluator
