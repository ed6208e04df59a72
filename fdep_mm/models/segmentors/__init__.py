"""Segmentors."""

from ..layers.two_branches import host_cfg
from .classical import ClassicalSegmentor
from .co_isd import COISDSegmentor
from .tta import SIRSTTTAModel
