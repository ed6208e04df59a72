"""Segmentors."""

from .classical import ClassicalSegmentor
from .co_isd import COISDSegmentor, host_cfg
from .tta import SIRSTTTAModel
