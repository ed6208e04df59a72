"""What the losses of segmentation share: how mmseg calls them."""

import torch
from torch import Tensor, nn


class PixelLoss(nn.Module):
    """A loss on one logit channel.

    Args:
        loss_weight (float): Factor of the loss.
        loss_name (str): Key in the log.
    """

    def __init__(self, loss_weight: float, loss_name: str):
        super().__init__()
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def forward(
        self,
        pred: Tensor,
        target: Tensor,
        weight: Tensor | None = None,
        ignore_index: int = 255,
    ) -> Tensor:
        """Loss of logits (B, 1, H, W) for labels (B, H, W) in {0, 1}.

        `weight` (B, H, W) is that of a pixel sampler.
        """
        valid = (target != ignore_index).to(torch.float32)
        if weight is not None:
            valid = valid * weight
        positive = (target == 1).to(torch.float32)
        loss = self.score(pred, positive.unsqueeze(1), valid.unsqueeze(1))
        return self.loss_weight * loss

    def score(self, logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
        """Scalar of logits, targets and weights of pixels, (B, 1, H, W)."""
        raise NotImplementedError
