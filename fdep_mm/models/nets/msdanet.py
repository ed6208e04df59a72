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
    DownBlock,
    IdentityBlock,
    ImageEncoder,
    SpatialGate,
    SqueezeExcite,
    TopDownHead,
    conv_bn,
    conv_norm_act,
    init_kaiming,
    stem1,
    upsample_bilinear2,
)

CHANNELS = (16, 32, 64, 64, 64)


def haar(x: Tensor, stride: int = 1) -> tuple[Tensor, ...]:
    """The four 2x2 Haar filters, on every channel of (B, C, H, W) by itself.

    Change from row to row (LH), from column to column (HL), along the diagonal
    (HH), and twice the mean (LL): (B, C, H - 1, W - 1), or with stride 2 half
    as large, of even H and W.
    """
    top, bottom = x[..., :-1:stride, :] / 2, x[..., 1::stride, :] / 2
    rows, change = top + bottom, top - bottom
    left, right = slice(None, -1, stride), slice(1, None, stride)
    return (
        change[..., left] + change[..., right],
        rows[..., left] - rows[..., right],
        change[..., left] - change[..., right],
        rows[..., left] + rows[..., right],
    )


def inject_directions(image: Tensor, feat: Tensor) -> Tensor:
    """High-frequency direction injection (HFDI).

    Image (B, c, H, W) and feature (B, C, H/2, W/2) -> (B, 3 * c + C, H/2,
    W/2): the image's directional changes, then the feature.
    """
    return torch.cat([*haar(image, stride=2)[:3], feat], dim=1)


def conv_bn_relu(
    in_channels: int, out_channels: int, kernel_size: int, dilation: int = 1
) -> nn.Sequential:
    """Convolution without bias, batch norm and ReLU, size kept."""
    act = nn.ReLU(inplace=True)
    return conv_norm_act(
        in_channels, out_channels, kernel_size, act=act, dilation=dilation
    )


class ScaleBranches(nn.Module):
    """Parallel branches of several scales, joined by a 3x3 convolution.

    A 1x1 convolution, and for each of the `cells`, odd sides in px, a
    convolution that gathers a cell and a dilated one that compares it with the
    eight cells around it. With cells of 3 and 5 px this is the multi-scale
    local relation learning (MLRL).
    """

    def __init__(self, channels: int, cells: Sequence[int] = (3, 5)):
        super().__init__()
        self.branches = nn.ModuleList([conv_bn_relu(channels, channels, 1)])
        self.branches.extend(
            nn.Sequential(
                *conv_bn_relu(channels, channels, cell),
                *conv_bn_relu(channels, channels, 3, dilation=cell),
            )
            for cell in cells
        )
        self.fuse = conv_bn_relu(len(self.branches) * channels, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) -> the same shape."""
        return self.fuse(torch.cat([b(x) for b in self.branches], dim=1))


class DirectionAttention(nn.Module):
    """Multi-directional attention (MDFA): a spatial gate per Haar filter.

    The filters see one row of zeros above the map and one column left of it.
    Convolutions have biases and Kaiming initialization.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.gates = nn.ModuleList(SpatialGate(7, bias=True) for _ in range(4))
        self.post = conv_bn(channels, channels)
        init_kaiming(self)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) -> the same shape."""
        maps = haar(F.pad(x, (1, 0, 1, 0)))
        gates = [g(m) for g, m in zip(self.gates, maps, strict=True)]
        return torch.relu(x + self.post(x * sum(gates)))


class DirectionAwareBlock(nn.Module):
    """Multi-scale direction-aware block (MSDA)."""

    def __init__(self, channels: int):
        super().__init__()
        self.main = nn.Sequential(
            ScaleBranches(channels, cells=(1, 3, 5)),
            DirectionAttention(channels),
            SqueezeExcite(channels),
            conv_bn_relu(channels, channels, 3),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) -> the same shape."""
        return torch.relu(x + self.main(x))


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
