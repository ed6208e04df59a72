"""Base class of this package's decode heads."""

import math
from collections.abc import Sequence

import torch
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.utils import resize
from torch import Tensor, nn

from ..losses.teaching import check_losses, losses_of


class SIRSTHead(BaseDecodeHead):
    """mmseg decode head with one logit channel and no dead parameters.

    A subclass builds its layers, calls :meth:`init_prior` on the convolution
    that gives the logits, and maps all encoder features to logits at input
    size in ``forward``. With deep supervision, ``forward`` returns a list of
    logits in training mode and the final ones alone in evaluation mode.

    Args:
        in_channels (Sequence[int]): Channels of the encoder's features,
            finest first.
        threshold (float): A pixel is target where the probability exceeds it.
        prior_prob (float, optional): Probability of target that the untrained
            head predicts, in (0, 1), as in the focal loss: with PyTorch's
            default a network predicts target everywhere for its first hundreds
            of steps. None keeps the default.
        loss_decode (dict | list[dict]): Losses on the logits; ValueError if
            one cannot teach a single channel.
        align_corners (bool): Used by mmseg where sizes differ.

    Raises:
        ValueError: If `prior_prob` is not inside (0, 1), or a loss cannot
            teach a single channel.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        threshold: float = 0.5,
        prior_prob: float | None = 0.01,
        loss_decode: dict | Sequence[dict] = dict(type='fdep_mm.EdgeBCELoss'),
        align_corners: bool = False,
    ):
        if prior_prob is not None and not 0 < prior_prob < 1:
            raise ValueError(
                f'prior_prob must be inside (0, 1) or None, got {prior_prob}'
            )
        super().__init__(
            in_channels=list(in_channels),
            channels=in_channels[0],
            num_classes=2,
            out_channels=1,
            threshold=threshold,
            dropout_ratio=0,
            in_index=list(range(len(in_channels))),
            input_transform='multiple_select',
            loss_decode=loss_decode,
            align_corners=align_corners,
            init_cfg=None,
        )
        check_losses(self)
        del self.conv_seg  # each network has its own last convolution
        self.prior_prob = prior_prob

    def init_prior(self, conv: nn.Conv2d, non_negative: bool = False) -> None:
        """Set the bias so that the untrained head predicts `prior_prob`.

        Where a convolution reads very few channels (2 in ALCNet), chance may
        make all its weights negative. Its logits then never exceed the bias,
        and the network learns no target for hundreds of steps; so its weights
        start `non_negative`.
        """
        if self.prior_prob is None:
            return
        odds = self.prior_prob / (1 - self.prior_prob)
        nn.init.constant_(conv.bias, math.log(odds))
        if non_negative:
            with torch.no_grad():
                conv.weight.abs_()

    def loss_by_feat(
        self, seg_logits: Tensor | Sequence[Tensor], batch_data_samples: list
    ) -> dict:
        """Losses, summed over deeply supervised logits (B, 1, H, W).

        Not mmseg's own method: that also computes a pixel accuracy, slow and
        for one channel without meaning (its argmax is always 0).
        """
        if isinstance(seg_logits, Tensor):
            seg_logits = [seg_logits]
        target = self._stack_batch_gt(batch_data_samples)
        losses: dict = {}
        for logits in seg_logits:
            if logits.shape != target.shape:
                logits = resize(
                    logits,
                    target.shape[2:],
                    mode='bilinear',
                    align_corners=self.align_corners,
                )
            for criterion in losses_of(self):
                value = criterion(
                    logits, target.squeeze(1), ignore_index=self.ignore_index
                )
                name = criterion.loss_name
                losses[name] = losses.get(name, 0) + value
        return losses
