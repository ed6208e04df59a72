"""What runs beside training and evaluation."""

from .hooks import *  # noqa: F403
from .hooks import __all__ as __all__
