# 256 channels: neck.out_channels and bbox_head.head_module.in_channels
model = dict(
    type='fdep_mm.OSCAR',
    # from scratch: the toolkit ignores the weights that its config names
    backbone=dict(type='ResNet', depth=18, deep_stem=True, norm_eval=False),
    neck=dict(
        type='fdep_mm.FlexFPN',
        in_channels=[64, 128, 256, 512],
        out_channels=256,
    ),
    bbox_head=dict(
        type='fdep_mm.OSCARHead',
        head_module=dict(type='fdep_mm.OSCARHeadModule', in_channels=256),
    ),
    train_cfg=dict(
        coarse_assigner=dict(type='fdep_mm.PseudoBoxAssigner', side=8),
        refine_assigner=dict(type='fdep_mm.PseudoBoxAssigner', side=6),
    ),
    test_cfg=dict(
        score_thr=0.05,
        nms_pre=1000,
        nms=dict(type='nms', iou_threshold=0.5),
        max_per_img=100,
        min_bbox_size=-1,
    ),
)
