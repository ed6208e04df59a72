"""Segmentors."""

from .co_isd import COISDSegmentor, host_cfg

__all__ = ['COISDSegmentor', 'host_cfg']
