"""SoftIoU: one minus the intersection over union of probabilities."""

from torch import Tensor

from fdep_mm.core.choices import check_choice
from fdep_mm.registry import MODELS

from .pixel_loss import PixelLoss


def soft_iou_loss(
    logits: Tensor,
    target: Tensor,
    valid: Tensor,
    over: str = 'image',
    smooth: float = 1.0,
) -> Tensor:
    """``1 - (sum(p t) + s) / (sum(p) + sum(t) - sum(p t) + s)``, in [0, 1].

    Args:
        logits (Tensor): (B, 1, H, W), before the sigmoid.
        target (Tensor): (B, 1, H, W), 1 at targets and 0 elsewhere.
        valid (Tensor): (B, 1, H, W) weights of the pixels, 0 where a pixel
            does not count.
        over (str): 'image' averages the ratio over the images (MSDA-Net),
            'batch' takes the sums over the whole batch (ACM, BasicIRSTD).
        smooth (float): `s`, in px.
    """
    prob, target = logits.float().sigmoid() * valid, target * valid
    dims = (1, 2, 3) if over == 'image' else (0, 1, 2, 3)
    inter = (prob * target).sum(dims)
    union = prob.sum(dims) + target.sum(dims) - inter
    return 1 - ((inter + smooth) / (union + smooth)).mean()


@MODELS.register_module()
class SoftIoULoss(PixelLoss):
    """SoftIoU loss on one logit channel.

    Args:
        over (str): 'image' or 'batch', see :func:`soft_iou_loss`.
        smooth (float): Added to intersection and union, px.
        loss_weight, loss_name: As in :class:`.pixel_loss.PixelLoss`.

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
        super().__init__(loss_weight, loss_name)
        check_choice('over', over, ('image', 'batch'))
        self.over = over
        self.smooth = smooth

    def score(self, logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
        """See :class:`.pixel_loss.PixelLoss`."""
        return soft_iou_loss(logits, target, valid, self.over, self.smooth)
