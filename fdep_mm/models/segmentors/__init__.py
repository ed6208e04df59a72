"""Segmentors."""

from .co_isd import COISDSegmentor, host_cfg
from .tta import SIRSTTTAModel

__all__ = ['COISDSegmentor', 'SIRSTTTAModel', 'host_cfg']
