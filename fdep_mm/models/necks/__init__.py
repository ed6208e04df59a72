"""Necks."""

from .samf import SAMF, SAMFNeck

__all__ = ['SAMF', 'SAMFNeck']
