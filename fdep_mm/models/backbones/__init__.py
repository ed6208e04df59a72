"""Backbones."""

from .frozen_vfm import FrozenVFM
from .zero_priors import ZeroPriors
