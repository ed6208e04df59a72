"""Registries of fdep_mm: children of the MMEngine root, filled on demand.

Write ``type='fdep_mm.X'`` in a config and keep ``default_scope = 'mmseg'``
(or ``'mmdet'``): the name is then found from either scope, and from a config
that does not import this package. Detection components are registered by
``custom_imports=dict(imports=['fdep_mm.detection'])``.
"""

# ruff: noqa: E402
import fdep_mm

fdep_mm.check_stack()

from mmengine.registry import DATASETS as ROOT_DATASETS
from mmengine.registry import HOOKS as ROOT_HOOKS
from mmengine.registry import METRICS as ROOT_METRICS
from mmengine.registry import MODELS as ROOT_MODELS
from mmengine.registry import TASK_UTILS as ROOT_TASK_UTILS
from mmengine.registry import TRANSFORMS as ROOT_TRANSFORMS
from mmengine.registry import Registry

from fdep_mm.core.compat import import_quietly

import_quietly('mmseg.datasets')


def _child(root: Registry, *locations: str) -> Registry:
    modules = [f'fdep_mm.{name}' for name in locations]
    return Registry(root.name, parent=root, scope='fdep_mm', locations=modules)


MODELS = _child(
    ROOT_MODELS,
    *('models.backbones', 'models.losses', 'models.necks'),
    *('models.nets', 'models.segmentors'),
)
DATASETS = _child(
    ROOT_DATASETS,
    *('datasets.sirst', 'datasets.sirst_det', 'datasets.synthetic'),
)
TRANSFORMS = _child(ROOT_TRANSFORMS, 'datasets.transforms')
METRICS = _child(ROOT_METRICS, 'evaluation.metrics')
HOOKS = _child(ROOT_HOOKS, 'engine.hooks')
TASK_UTILS = _child(ROOT_TASK_UTILS, 'models')
