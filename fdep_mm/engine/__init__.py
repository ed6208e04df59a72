"""What runs beside training and evaluation."""

from .hooks import *  # noqa: F403
