"""Decoder shared by ALCL-Net, GGL-Net and MSDA-Net."""

from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import Tensor, nn

from .lcl_blocks import init_kaiming, logit_layers
from .sirst_head import SIRSTHead


class TopDownHead(SIRSTHead):
    """Decoder that transfers every level and fuses from the deepest up.

    The logits come from two 1x1 convolutions at full size, Kaiming by
    fan-out. That gives the last one's weights a standard deviation of 1.4:
    logits far from 0, on the side that chance decides. So with a `prior_prob`
    it is 0.01 instead, as in the focal-loss initialisation.

    Args:
        channels (Sequence[int]): Channels of the encoder's features at
            strides 1, 2, 4 and so on.
        transfer (Callable): Makes the block of one level from its channels.
        fuse (Callable): Makes the fusion of two neighbouring levels from the
            channels of the deep one (half the size) and of the shallow one;
            called with both, it gives the shape of the shallow one.
        threshold, prior_prob, loss_decode, align_corners: As in
            :class:`SIRSTHead`.
    """

    def __init__(
        self,
        channels: Sequence[int],
        transfer: Callable[[int], nn.Module],
        fuse: Callable[[int, int], nn.Module],
        **kwargs,
    ):
        super().__init__(in_channels=channels, **kwargs)
        self.transfers = nn.ModuleList(transfer(c) for c in channels)
        self.fusions = nn.ModuleList(
            fuse(deep, shallow) for shallow, deep in pairwise(channels)
        )
        self.logits = init_kaiming(logit_layers(channels[0]))
        if self.prior_prob is not None:
            nn.init.normal_(self.logits[-1].weight, std=0.01)
        self.init_prior(self.logits[-1])

    def forward(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """Decode the encoder's features to logits (B, 1, H, W)."""
        feats = [
            transfer(feat)
            for transfer, feat in zip(
                self.transfers, self._transform_inputs(inputs), strict=True
            )
        ]
        x = feats.pop()
        for fuse in reversed(self.fusions):
            x = fuse(x, feats.pop())
        return self.logits(x)
