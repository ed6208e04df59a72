"""Necks."""

from .flex_fpn import FlexFPN
from .samf import SAMF, SAMFNeck

__all__ = ['FlexFPN', 'SAMF', 'SAMFNeck']
