"""Models: importing this package fills the registry."""

from .backbones import *  # noqa: F403
from .losses import *  # noqa: F403
from .necks import *  # noqa: F403
from .nets import *  # noqa: F403
from .segmentors import *  # noqa: F403
