"""Losses on one logit channel; each file has the plain function first."""

from .edge_bce import EdgeBCELoss
from .soft_iou import SoftIoULoss

__all__ = ['EdgeBCELoss', 'SoftIoULoss']
