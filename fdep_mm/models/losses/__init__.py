"""Losses on one logit channel; each file has the plain function first."""

from .edge_bce import EdgeBCELoss
from .noco_focal import RegQualityFocalLoss
from .soft_iou import SoftIoULoss
