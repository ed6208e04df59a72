# Made on the fly, no files: 640 images for training, 160 each for validation
# and test.
_base_ = './sirst_256x256.py'

dataset_type = 'fdep_mm.SyntheticSIRSTDataset'
crop_size = (128, 128)
data_preprocessor = dict(
    mean=[101.1] * 3, std=[22.3] * 3, pad_val=-101.1 / 22.3, size=crop_size
)

# moderate: a network with a stride-4 stem learns it in minutes on a CPU
scenes = dict(
    type=dataset_type,
    img_size=crop_size,
    target_size=(3, 9),
    scr=(8, 30),
    _delete_=True,
)
train_pipeline = [_base_.augmentation, dict(type='PackSegInputs')]
# test_pipeline stays that of files, for mmseg's inference_model
# ori_img: NoCoAPMetric has no file to read
scene_pipeline = [
    dict(
        type='PackSegInputs',
        meta_keys=('img_path', 'ori_shape', 'img_shape', 'ori_img'),
    )
]
# The first view is not flipped; its mask is the one that counts.
tta_pipeline = [
    dict(
        type='TestTimeAug',
        transforms=_base_.flip_views + [[dict(type='PackSegInputs')]],
    )
]
train_dataloader = dict(
    num_workers=2,
    dataset=dict(
        scenes, split='train', num_images=640, pipeline=train_pipeline
    ),
)
val_dataloader = dict(
    dataset=dict(
        scenes,
        split='val',
        num_images=160,
        pipeline=scene_pipeline,
        test_mode=True,
    )
)
test_dataloader = dict(
    dataset=dict(
        scenes,
        split='test',
        num_images=160,
        pipeline=scene_pipeline,
        test_mode=True,
    )
)
