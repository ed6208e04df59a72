"""Registries of fdep_mm: children of the MMEngine root, filled on demand.

Write ``type='fdep_mm.X'`` in a config and keep ``default_scope = 'mmseg'``
(or ``'mmdet'``): the name is then found from either scope, and from a config
that does not import this package.
"""

import io
from contextlib import redirect_stdout
from importlib import import_module

from mmengine.registry import DATASETS as ROOT_DATASETS
from mmengine.registry import HOOKS as ROOT_HOOKS
from mmengine.registry import METRICS as ROOT_METRICS
from mmengine.registry import MODELS as ROOT_MODELS
from mmengine.registry import STRATEGIES as ROOT_STRATEGIES
from mmengine.registry import TASK_UTILS as ROOT_TASK_UTILS
from mmengine.registry import TRANSFORMS as ROOT_TRANSFORMS
from mmengine.registry import Registry

from fdep_mm.core.checkpoints import allow_mmengine_checkpoints

with redirect_stdout(io.StringIO()):  # "Could not import OneDL", twice
    import_module('mmseg.datasets')


class LazyRegistry(Registry):
    """Imports the detection part when a name is not among the others.

    So segmentation runs without mmdet, and does not wait for its import.
    """

    def get(self, key: str) -> type | None:
        """Find a component.

        Args:
            key (str): Its name, with or without a scope.

        Returns:
            type | None: None if there is none of this name.

        Raises:
            ImportError: The name is not among the components for
                segmentation, and those for detection cannot be imported.
        """
        found = super().get(key)
        if found is None and key.rpartition('.')[0] in ('', self.scope):
            try:
                import_module('fdep_mm.detection')
            except ImportError as error:
                raise ImportError(
                    f'{key!r} is not a segmentation component of fdep_mm '
                    f'({self.name} registry), and {error}',
                    name=error.name,
                ) from error
            found = super().get(key)
        return found


def _child(root: Registry, *locations: str) -> Registry:
    modules = [f'fdep_mm.{name}' for name in locations]
    return LazyRegistry(
        root.name, parent=root, scope='fdep_mm', locations=modules
    )


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
STRATEGIES = _child(ROOT_STRATEGIES, 'engine.fsdp_strategy')
TASK_UTILS = _child(ROOT_TASK_UTILS, 'models')

allow_mmengine_checkpoints()
