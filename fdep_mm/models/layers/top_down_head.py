"""Decoder shared by ALCL-Net, GGL-Net and MSDA-Net."""

from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import Tensor, nn

from .lcl_blocks import init_kaiming, logit_layers
from .sirst_head import SIRSTHead


class LateralHead(SIRSTHead):
    """Decoder cut in two: what the deepest feature cannot reach, and the rest.

    CO-ISD runs the first part once for its two branches, which differ in the
    deepest feature.
    """

    def transfer(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Laterals: all levels but the deepest, each by itself."""
        raise NotImplementedError

    def fuse(self, laterals: list[Tensor], deepest: Tensor) -> Tensor:
        """Logits (B, 1, H, W) from the laterals and the deepest feature."""
        raise NotImplementedError

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Decode the encoder's features to logits (B, 1, H, W)."""
        return self.fuse(self.transfer(inputs), inputs[-1])


class TopDownHead(LateralHead):
    """Decoder that transfers every level and fuses from the deepest up.

    The logits come from two 1x1 convolutions at full size, Kaiming by
    fan-out. That gives the last one's weights a standard deviation of 1.4:
    logits far from 0, on the side that chance decides. So with a `prior_prob`
    it is 0.01 instead, as in the focal-loss initialization.

    Args:
        channels (Sequence[int]): Channels of the encoder's features at
            strides 1, 2, 4 and so on.
        make_transfer (Callable): Makes a level's block from its channels.
        make_fusion (Callable): Makes the fusion of two neighboring levels
            from the channels of the deep one (half the size) and of the
            shallow one; called with both, it gives the shape of the shallow
            one.
        **kwargs: As in :class:`SIRSTHead`.
    """

    def __init__(
        self,
        channels: Sequence[int],
        make_transfer: Callable[[int], nn.Module],
        make_fusion: Callable[[int, int], nn.Module],
        **kwargs,
    ):
        super().__init__(in_channels=channels, **kwargs)
        self.transfers = nn.ModuleList(make_transfer(c) for c in channels)
        self.fusions = nn.ModuleList(
            make_fusion(deep, shallow) for shallow, deep in pairwise(channels)
        )
        self.logits = init_kaiming(logit_layers(channels[0]))
        if self.prior_prob is not None:
            nn.init.normal_(self.logits[-1].weight, std=0.01)
        self.init_prior(self.logits[-1])

    def transfer(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        *laterals, _ = inputs
        pairs = zip(self.transfers[:-1], laterals, strict=True)
        return [transfer(feat) for transfer, feat in pairs]

    def fuse(self, laterals: list[Tensor], deepest: Tensor) -> Tensor:
        x = self.transfers[-1](deepest)
        pairs = zip(reversed(self.fusions), reversed(laterals), strict=True)
        for fuse, lateral in pairs:
            x = fuse(x, lateral)
        return self.logits(x)
