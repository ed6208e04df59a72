custom_imports = dict(imports=['fdep_mm'], allow_failed_imports=False)
default_scope = 'mmseg'
env_cfg = dict(
    cudnn_benchmark=True,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'),
)
default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=10),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(
        type='fdep_mm.SafeCheckpointHook',
        interval=10,
        max_keep_ckpts=1,
        save_last=True,
        save_best='sirst/IoU',
        rule='greater',
    ),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    sync_buffers=dict(type='SyncBuffersHook'),
    config_check=dict(type='fdep_mm.ConfigCheckHook'),
    epoch_seed=dict(type='fdep_mm.EpochSeedHook'),
    finite_loss=dict(type='fdep_mm.FiniteLossHook'),
    unreadable=dict(type='fdep_mm.UnreadableImagesHook'),
    checkpoint_check=dict(type='fdep_mm.CheckpointCheckHook'),
    lock=dict(type='fdep_mm.WorkDirLockHook'),
    result=dict(type='fdep_mm.ResultWriterHook'),
    visualization=dict(type='fdep_mm.SIRSTVisualizationHook'),
)
custom_hooks = [dict(type='fdep_mm.HSEHook', phases=('test',))]
vis_backends = [
    dict(type='LocalVisBackend'),
    dict(type='TensorboardVisBackend'),
]
visualizer = dict(
    type='SegLocalVisualizer', vis_backends=vis_backends, name='visualizer'
)
log_processor = dict(by_epoch=True)
log_level = 'INFO'
load_from = None
resume = False
randomness = dict(seed=0)
