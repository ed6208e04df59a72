"""Edge-weighted binary cross-entropy with hard pixel mining.

The loss of the PAL framework (arXiv 2412.11154), full supervision: the mean
over the harder half of the pixelwise cross-entropies, targets' contours
weighted by 4. In the released code the weight is 4 at every pixel, so the
contours have no influence; published numbers come from that form. Both are
here: ``form='released'`` and ``form='intended'``.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from fdep_mm.core.choices import check_choice
from fdep_mm.registry import MODELS

from .pixel_loss import PixelLoss


def edge_map(target: Tensor) -> Tensor:
    """Inner and outer one-pixel contours of the targets, bool.

    A pixel is on a contour if one of its four neighbors has the other label.
    Pixels beyond the border count as equal, so the frame is no contour.
    `target` is (B, 1, H, W).
    """
    edge = torch.zeros_like(target, dtype=torch.bool)
    for dim in (2, 3):
        size = target.shape[dim]
        before = target.narrow(dim, 0, size - 1)
        after = target.narrow(dim, 1, size - 1)
        change = before != after
        edge.narrow(dim, 0, size - 1).logical_or_(change)
        edge.narrow(dim, 1, size - 1).logical_or_(change)
    return edge


def kth_smallest(values: Tensor, index: int) -> Tensor:
    """Value at place `index` of the ascending order of `values`, (N,).

    On a CPU, ``kthvalue`` takes up to a tenth of a small network's training
    step, and NumPy's partition hardly any time.
    """
    if values.device.type == 'cpu':
        return torch.from_numpy(np.partition(values.numpy(), index))[index]
    return values.kthvalue(index + 1).values


def hard_mean(values: Tensor, easy_ratio: float) -> Tensor:
    """Mean of the values not below the `easy_ratio` quantile.

    The threshold is the value at index ``floor(easy_ratio * N)`` of the
    ascending order. The mean is NaN if one of all values is, 0 without any.
    """
    flat = values.flatten()
    if not len(flat):
        return flat.sum()
    index = int(easy_ratio * flat.numel())
    threshold = kth_smallest(flat.detach(), index)
    hard = flat >= threshold
    # faster than to gather them; on a CPU faster than torch.where, too
    return (flat * hard).sum() / hard.sum()


@MODELS.register_module()
class EdgeBCELoss(PixelLoss):
    """Edge-weighted BCE over the harder pixels of a batch.

    Args:
        form (str): 'released' weights every pixel by `edge_weight`, as the
            published numbers were made; 'intended' weights the contours of the
            targets by it and the rest by 1.
        edge_weight (float): Weight of contour pixels.
        easy_ratio (float): Fraction of the pixels, the easiest, that is left
            out, in [0, 1). Ignored pixels do not count.
        loss_weight, loss_name: As in :class:`.pixel_loss.PixelLoss`.

    Raises:
        ValueError: If `form` is unknown or `easy_ratio` outside [0, 1).
    """

    def __init__(
        self,
        form: str = 'released',
        edge_weight: float = 4.0,
        easy_ratio: float = 0.5,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_edge_bce',
    ):
        super().__init__(loss_weight, loss_name)
        check_choice('form', form, ('released', 'intended'))
        if not 0 <= easy_ratio < 1:
            raise ValueError(
                f'easy_ratio must be inside [0, 1), got {easy_ratio}'
            )
        self.form = form
        self.edge_weight = edge_weight
        self.easy_ratio = easy_ratio

    def score(self, logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
        """See :class:`.pixel_loss.PixelLoss`."""
        bce = F.binary_cross_entropy_with_logits(
            logits.float(), target, reduction='none'
        )
        if self.form == 'intended':
            bce = torch.where(edge_map(target), self.edge_weight * bce, bce)
        else:
            bce = self.edge_weight * bce
        if valid.amin() <= 0:  # ignored pixels are no easy ones
            counted = valid > 0
            bce, valid = bce[counted], valid[counted]
        return hard_mean(bce * valid, self.easy_ratio)
