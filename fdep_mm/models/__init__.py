"""Models: importing this package fills the registry.

Without torch only :mod:`fdep_mm.models.classical` can be imported.
"""

from importlib.util import find_spec

if find_spec('torch') is not None:
    from fdep_mm.checkpoints import allow_mmengine_checkpoints

    from .backbones import *  # noqa: F403
    from .losses import *  # noqa: F403
    from .necks import *  # noqa: F403
    from .nets import *  # noqa: F403
    from .segmentors import *  # noqa: F403

    allow_mmengine_checkpoints()
