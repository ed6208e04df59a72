"""MSDA-Net: multi-scale direction-aware network.

Zhao, Shi, Yu, Liu, Ying, Dai, "Multi-Scale Direction-Aware Network for
Infrared Small Target Detection", TGRS 2025, arXiv 2406.02037. Written from
measurements of the PyTorch form in the PAL framework (arXiv 2412.11154);
4,791,041 parameters with 3 input channels.

Differences from the paper (all but the last three are that form's):
    * a 3x3 instead of a 1x1 convolution joins the branches of a block;
    * the directional attention ends in convolution, residual and ReLU, a
      block has one more convolution after its channel gate;
    * stage 1 has a residual block before its direction-aware blocks;
    * the feature aggregation pools before it convolves;
    * that form builds five convolutions that it never runs (14,048
      parameters, hence the published 4,805,089); they are not built here;
    * the Haar filters have taps of exactly 0.5 and are sums of shifted maps;
    * a block's four spatial gates are added before they multiply, and each
      reads the mean before the maximum (rounding and weight order only).
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fdep_mm.registry import MODELS

from ..layers import (
    DirectionAwareBlock,
    DownBlock,
    IdentityBlock,
    ImageEncoder,
    ScaleBranches,
    TopDownHead,
    conv_bn,
    conv_norm_act,
    init_kaiming,
    inject_directions,
    stem1,
    upsample_bilinear2,
)

CHANNELS = (16, 32, 64, 64, 64)


def aware_blocks(channels: int) -> nn.Sequential:
    """The two direction-aware blocks that end every stage."""
    return nn.Sequential(
        DirectionAwareBlock(channels), DirectionAwareBlock(channels)
    )


class FeatureAggregation(nn.Module):
    """Feature aggregation (FA): all stages at the stride of the deepest.

    Kaiming, with biases, no norms.
    """

    def __init__(self, channels: Sequence[int]):
        super().__init__()
        *shallow, deepest = channels
        self.laterals = nn.ModuleList(
            self._conv(width, 16) for width in shallow
        )
        total = deepest + 16 * len(shallow)
        self.fuse = nn.Sequential(
            *self._conv(total, total), *self._conv(total, deepest)
        )
        init_kaiming(self)

    @staticmethod
    def _conv(in_channels: int, out_channels: int) -> nn.Sequential:
        kwargs = dict(bias=True, norm_cfg=None, act=nn.ReLU(True))
        return conv_norm_act(in_channels, out_channels, 1, **kwargs)

    def forward(self, feats: Sequence[Tensor]) -> Tensor:
        """Features at strides 1, 2, 4, ... -> the deepest one's shape."""
        *shallow, deepest = feats
        last = len(shallow)
        parts = [
            lateral(F.max_pool2d(feat, 2 ** (last - level)))
            for level, (lateral, feat) in enumerate(
                zip(self.laterals, shallow, strict=True)
            )
        ]
        return self.fuse(torch.cat([deepest, *reversed(parts)], dim=1))


@MODELS.register_module()
class MSDANetEncoder(ImageEncoder):
    """Encoder of MSDA-Net: strides 1 to 16 with 16, 32 and 64 channels.

    Args:
        in_channels (int): Channels of the image; its directional changes take
            three times as many of the 32 channels of stage 2.
    """

    def __init__(self, in_channels: int = 3):
        super().__init__(in_channels)
        self.stem = init_kaiming(stem1(in_channels))
        self.stage1 = nn.Sequential(IdentityBlock(16), aware_blocks(16))
        self.down2 = DownBlock(16, 32 - 3 * in_channels)
        self.stage2 = aware_blocks(32)
        self.stage3 = nn.Sequential(DownBlock(32, 64), aware_blocks(64))
        self.stage4 = nn.Sequential(DownBlock(64, 64), aware_blocks(64))
        self.stage5 = nn.Sequential(DownBlock(64, 64), aware_blocks(64))
        self.aggregate = FeatureAggregation(CHANNELS)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """(B, C, H, W) -> (B, 16, H, W) to (B, 64, H/16, W/16).

        The last one, made from all stages, is the bottleneck.
        """
        x = self.prepare(x, 16)
        feat1 = self.stage1(self.stem(x))
        feat2 = self.stage2(inject_directions(x, self.down2(feat1)))
        feat3 = self.stage3(feat2)
        feat4 = self.stage4(feat3)
        feats = (feat1, feat2, feat3, feat4, self.stage5(feat4))
        return *feats[:-1], self.aggregate(feats)


class AlignmentFusion(nn.Module):
    """Feature alignment fusion (FAF, also FCF; Kaiming).

    The shallow feature corrects the upsampled deep one, which is added to it.
    """

    def __init__(self, deep_channels: int, channels: int):
        super().__init__()
        self.up = upsample_bilinear2()
        self.correct = nn.Sequential(
            *conv_bn(
                deep_channels + channels, deep_channels, 1, act=nn.ReLU(True)
            ),
            *conv_bn(deep_channels, deep_channels, act=nn.ReLU(True)),
        )
        self.project = conv_bn(deep_channels, channels, 1, act=nn.ReLU(True))
        init_kaiming(self)

    def forward(self, deep: Tensor, shallow: Tensor) -> Tensor:
        """(B, deep_channels, H/2, W/2), (B, channels, H, W) -> the latter."""
        deep = self.up(deep)
        correction = self.correct(torch.cat([deep, shallow], dim=1))
        return shallow + self.project(deep + correction)


@MODELS.register_module()
class MSDANetHead(TopDownHead):
    """Decoder of MSDA-Net: local relations, fused from the deepest up.

    Args:
        **kwargs: As in :class:`SIRSTHead`.
    """

    def __init__(self, **kwargs):
        super().__init__(CHANNELS, ScaleBranches, AlignmentFusion, **kwargs)
