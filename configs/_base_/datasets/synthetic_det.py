# Made on the fly, no files: 640 images for training, 160 each for validation
# and test. Targets and contrast as in synthetic.py.
_base_ = './sirst_det.py'

dataset_type = 'fdep_mm.SyntheticSIRSTDetDataset'
data_preprocessor = dict(mean=[101.1] * 3, std=[22.3] * 3)

# their own size; larger ones resolve targets better and take longer
img_scale = (128, 128)
scenes = dict(
    type=dataset_type,
    img_size=(128, 128),
    target_size=(3, 9),
    scr=(8, 30),
    _delete_=True,
)
train_pipeline = [
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='Resize', scale=img_scale, keep_ratio=True),
    dict(type='RandomFlip', prob=0.5),
    dict(type='fdep_mm.GenerateNoCoMap'),
    dict(type='fdep_mm.PackSIRSTDetInputs'),
]
test_pipeline = [
    dict(type='Resize', scale=img_scale, keep_ratio=True),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='fdep_mm.PackSIRSTDetInputs'),
]
train_dataloader = dict(
    batch_size=16,
    num_workers=2,
    # all images have one shape, and this sampler would draw each scene twice
    batch_sampler=None,
    dataset=dict(
        scenes, split='train', num_images=640, pipeline=train_pipeline
    ),
)
val_dataloader = dict(
    dataset=dict(
        scenes,
        split='val',
        num_images=160,
        pipeline=test_pipeline,
        test_mode=True,
    )
)
test_dataloader = dict(
    dataset=dict(
        scenes,
        split='test',
        num_images=160,
        pipeline=test_pipeline,
        test_mode=True,
    )
)
