"""Backbones."""

from .frozen_vfm import FrozenVFM

__all__ = ['FrozenVFM']
