"""Losses between a logit map and a soft map such as NoCo.

*One-Stage Cascade Refinement Networks for Infrared Small Target Detection*
(OSCAR), Dai et al., IEEE TGRS 2023, https://arxiv.org/abs/2212.08472. The
published detectors use :class:`RegQualityFocalLoss`; the toolkit's configs do
not use the other, which also weights by the target.

Differences from the toolkit: logits are cast to float32.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fdep_mm.registry import MODELS


def noco_focal_loss(
    logits: Tensor, target: Tensor, alpha: float = 5.0, beta: float = 5.0
) -> Tensor:
    """``exp(alpha t) * |sigmoid(x) - t| ** beta * BCE(x, t)``, t in 0..1."""
    logits = logits.float()
    bce = F.binary_cross_entropy_with_logits(logits, target, reduction='none')
    gap = (logits.sigmoid() - target).abs()
    return torch.exp(alpha * target) * gap.pow(beta) * bce


@MODELS.register_module()
class NoCoFocalLoss(nn.Module):
    """Mean of :func:`noco_focal_loss` over all elements.

    Args:
        alpha (float): Growth of the weight with the target.
        beta (float): Focusing exponent.
        loss_weight (float): Factor.
    """

    def __init__(
        self, alpha: float = 5.0, beta: float = 5.0, loss_weight: float = 1.0
    ):
        super().__init__()
        self.alpha = alpha
        self.beta = beta
        self.loss_weight = loss_weight

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        """Loss of logits for targets in 0..1 of the same shape; a scalar."""
        loss = noco_focal_loss(pred, target, self.alpha, self.beta)
        return self.loss_weight * loss.mean()


@MODELS.register_module()
class RegQualityFocalLoss(NoCoFocalLoss):
    """Mean of ``|sigmoid(x) - t| ** beta * BCE(x, t)``.

    Args:
        beta (float): Focusing exponent.
        loss_weight (float): Factor; OSCAR takes 1000, because nearly all cells
            of its map are easy.
    """

    def __init__(self, beta: float = 2.0, loss_weight: float = 1.0):
        super().__init__(0.0, beta, loss_weight)
