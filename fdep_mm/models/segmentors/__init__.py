"""Segmentors."""

from .co_isd import COISDSegmentor

__all__ = ['COISDSegmentor']
