"""Blocks shared by MLCL-Net, ALCL-Net, GGL-Net and MSDA-Net.

Their trunk runs at full resolution from the start. Convolutions have a bias,
also before a norm. Unless a docstring names Kaiming (:func:`init_kaiming`),
the initialization is PyTorch's default.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from mmengine.model import kaiming_init
from torch import Tensor, nn

from .conv import conv_bn, conv_norm_act
from .image_encoder import ImageEncoder


def init_kaiming(module: nn.Module) -> nn.Module:
    """Kaiming-normal (fan-out) weights, zero biases; gives the same module."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            kaiming_init(layer)
    return module


def upsample_bilinear2() -> nn.Upsample:
    """Bilinear upsampling by 2 that keeps the corner pixels' centers."""
    return nn.Upsample(scale_factor=2, mode='bilinear', align_corners=True)


def stem1(in_channels: int) -> nn.Sequential:
    """Two 3x3 convolutions with norm and ReLU: stride 1, 16 channels."""
    return nn.Sequential(
        *conv_bn(in_channels, 16, act=nn.ReLU(True)),
        *conv_bn(16, 16, act=nn.ReLU(True)),
    )


class IdentityBlock(nn.Module):
    """Two 3x3 convolutions (Kaiming) and an identity shortcut."""

    def __init__(self, channels: int):
        super().__init__()
        self.main = nn.Sequential(
            *conv_bn(channels, channels, act=nn.ReLU(True)),
            *conv_bn(channels, channels),
        )
        init_kaiming(self)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) -> the same shape."""
        return torch.relu(x + self.main(x))


class DownBlock(nn.Module):
    """Residual block that halves the size (Kaiming).

    The main path pools between its convolutions, so the first one runs at
    the input's resolution; the shortcut ends in its own ReLU.
    """

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.main = nn.Sequential(
            *conv_bn(in_channels, out_channels, act=nn.ReLU(True)),
            nn.MaxPool2d(2),
            *conv_bn(out_channels, out_channels),
        )
        self.shortcut = conv_bn(
            in_channels, out_channels, stride=2, act=nn.ReLU(True)
        )
        init_kaiming(self)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> (B, out_channels, H / 2, W / 2)."""
        return torch.relu(self.main(x) + self.shortcut(x))


class TrunkEncoder(ImageEncoder):
    """Encoder of :func:`stem1` and stages at strides 1, 2, 4 and so on.

    The first block of a stage is an `IdentityBlock` in the first stage and a
    `DownBlock` in the others; `block` makes the remaining ones.

    Args:
        in_channels (int): Channels of the image.
        channels (Sequence[int]): Of the stages, the first 16.
        num_blocks (int): Blocks per stage.
        block (Callable): Makes a block from the stage's channels.
        kaiming_stem (bool): Initialize the stem as the stages are.
    """

    def __init__(
        self,
        in_channels: int,
        channels: Sequence[int],
        num_blocks: int,
        block: Callable[[int], nn.Module] = IdentityBlock,
        kaiming_stem: bool = True,
    ):
        super().__init__(in_channels)
        self.stem = stem1(in_channels)
        if kaiming_stem:
            init_kaiming(self.stem)
        firsts = [IdentityBlock(channels[0])]
        firsts += [DownBlock(*pair) for pair in pairwise(channels)]
        self.stages = nn.ModuleList(
            nn.Sequential(
                first, *(block(width) for _ in range(num_blocks - 1))
            )
            for first, width in zip(firsts, channels, strict=True)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """(B, C, H, W) -> the stages' features, the bottleneck last."""
        x = self.stem(self.prepare(x, 2 ** (len(self.stages) - 1)))
        feats = []
        for stage in self.stages:
            x = stage(x)
            feats.append(x)
        return tuple(feats)


class SqueezeExcite(nn.Module):
    """Channel gate from the global average, without biases."""

    def __init__(self, channels: int):
        super().__init__()
        mid = channels // 4
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, mid, 1, bias=False),
            nn.ReLU(True),
            nn.Conv2d(mid, channels, 1, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) -> the same shape."""
        return x * self.gate(x)


def local_contrast(channels: int, cell: int = 1) -> nn.Sequential:
    """Learned local contrast (LCL) of one scale (Kaiming, no norm).

    The first convolution gathers a cell of ``cell x cell`` px (odd), the
    second, dilated one compares it with the eight cells around it. There is
    no explicit difference: the contrast is learned.
    """
    both = dict(bias=True, norm_cfg=None, act=nn.ReLU(True))
    gather = conv_norm_act(channels, channels, cell, **both)
    compare = conv_norm_act(channels, channels, dilation=cell, **both)
    return init_kaiming(nn.Sequential(*gather, *compare))


def logit_layers(channels: int) -> nn.Sequential:
    """Two 1x1 convolutions: (B, channels, H, W) -> (B, 1, H, W)."""
    return nn.Sequential(
        nn.Conv2d(channels, channels, 1),
        nn.ReLU(True),
        nn.Conv2d(channels, 1, 1),
    )
