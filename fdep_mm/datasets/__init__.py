"""Data sets and transforms."""

from . import transforms
from .sirst import SIRSTDataset
from .sirst_det import SIRSTDetDataset, SyntheticSIRSTDetDataset
from .synthetic import SyntheticSIRSTDataset

__all__ = [
    'SIRSTDataset',
    'SIRSTDetDataset',
    'SyntheticSIRSTDataset',
    'SyntheticSIRSTDetDataset',
    'transforms',
]
