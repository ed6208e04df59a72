"""Data sets and transforms."""

from . import transforms
from .sirst import SIRSTDataset
from .synthetic import SyntheticSIRSTDataset

__all__ = ['SIRSTDataset', 'SyntheticSIRSTDataset', 'transforms']
