_base_ = 'default_runtime.py'
custom_imports = dict(imports=['fdep_mm', 'fdep_mm.detection'])
default_scope = 'mmdet'
env_cfg = dict(cudnn_benchmark=False)  # images differ in size
default_hooks = dict(
    logger=dict(interval=50),
    checkpoint=dict(interval=1, save_best='sirst/mNoCoAP'),
)
custom_hooks = []
visualizer = dict(type='DetLocalVisualizer')
