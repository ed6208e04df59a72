"""SoftIoU: one minus the intersection over union of probabilities."""

import torch
from torch import Tensor, nn

from fdep_mm.registry import MODELS

from .edge_bce import valid_pixels


def soft_iou_loss(
    logits: Tensor,
    target: Tensor,
    valid: Tensor | None = None,
    over: str = 'image',
    smooth: float = 1.0,
) -> Tensor:
    """``1 - (sum(p t) + s) / (sum(p) + sum(t) - sum(p t) + s)``.

    Args:
        logits (Tensor): (B, 1, H, W), before the sigmoid.
        target (Tensor): (B, 1, H, W), 1 at targets and 0 elsewhere.
        valid (Tensor, optional): (B, 1, H, W) weights of the pixels, 0 where
            a pixel does not count. Defaults to None, all count.
        over (str): 'image' averages the ratio over the images (MSDA-Net),
            'batch' takes the sums over the whole batch (ACM, BasicIRSTD).
        smooth (float): `s`, in px.

    Returns:
        Tensor: Scalar in [0, 1].
    """
    prob = logits.float().sigmoid()
    target = target.float()
    if valid is not None:
        prob, target = prob * valid, target * valid
    dims = (1, 2, 3) if over == 'image' else (0, 1, 2, 3)
    inter = (prob * target).sum(dims)
    union = prob.sum(dims) + target.sum(dims) - inter
    return 1 - ((inter + smooth) / (union + smooth)).mean()


@MODELS.register_module()
class SoftIoULoss(nn.Module):
    """SoftIoU loss on one logit channel.

    Args:
        over (str): 'image' or 'batch', see :func:`soft_iou_loss`.
        smooth (float): Added to intersection and union, px.
        loss_weight (float): Factor of the loss.
        loss_name (str): Key in the log.

    Raises:
        ValueError: If `over` is neither 'image' nor 'batch'.
    """

    def __init__(
        self,
        over: str = 'image',
        smooth: float = 1.0,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_soft_iou',
    ):
        super().__init__()
        if over not in ('image', 'batch'):
            raise ValueError(f"over must be 'image' or 'batch', got {over!r}")
        self.over = over
        self.smooth = smooth
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def forward(
        self,
        pred: Tensor,
        target: Tensor,
        weight: Tensor | None = None,
        ignore_index: int = 255,
    ) -> Tensor:
        """Loss of logits (B, 1, H, W) for labels (B, H, W) in {0, 1}."""
        target = target.unsqueeze(1)
        valid = valid_pixels(target, weight, ignore_index)
        positive = (target == 1).to(torch.float32)
        return self.loss_weight * soft_iou_loss(
            pred, positive, valid, self.over, self.smooth
        )
