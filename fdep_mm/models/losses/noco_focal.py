"""Loss between a logit map and a soft map such as NoCo.

*One-Stage Cascade Refinement Networks for Infrared Small Target Detection*
(OSCAR), Dai et al., IEEE TGRS 2023, https://arxiv.org/abs/2212.08472.

Differences from the toolkit: logits are cast to float32.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from fdep_mm.registry import MODELS


@MODELS.register_module()
class RegQualityFocalLoss(nn.Module):
    """Mean of ``|sigmoid(x) - t| ** beta * BCE(x, t)``.

    Args:
        beta (float): Focusing exponent.
        loss_weight (float): Factor; OSCAR takes 1000, because nearly all cells
            of its map are easy.
    """

    def __init__(self, beta: float = 2.0, loss_weight: float = 1.0):
        super().__init__()
        self.beta = beta
        self.loss_weight = loss_weight

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        """Loss of logits for targets in 0..1 of the same shape; a scalar."""
        logits = pred.float()
        bce = F.binary_cross_entropy_with_logits(
            logits, target, reduction='none'
        )
        gap = (logits.sigmoid() - target).abs()
        return self.loss_weight * (gap.pow(self.beta) * bce).mean()
