"""Blocks shared by ACM and both forms of ALCNet.

The ports that published results were trained with average the statistics of
stem, shortcut and head norms with momentum 0.9 (PyTorch's convention), which
is little more than the last batch and costs up to 4 points of IoU at test.
Here it is PyTorch's 0.1; what is learned is the same.
"""

import torch
from mmcv.cnn import build_norm_layer
from torch import Tensor, nn

from .conv import BN, conv_norm_act

GN1 = dict(type='GN', num_groups=1)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions, the first with `stride`, and a shortcut."""

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1):
        super().__init__()
        relu = nn.ReLU(inplace=True)
        self.main = nn.Sequential(
            *conv_norm_act(in_channels, out_channels, 3, stride, act=relu),
            *conv_norm_act(out_channels, out_channels),
        )
        if stride == 1 and in_channels == out_channels:
            self.shortcut = nn.Identity()
        else:
            self.shortcut = conv_norm_act(in_channels, out_channels, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> (B, out_channels, H / s, W / s)."""
        return torch.relu(self.main(x) + self.shortcut(x))


def residual_stage(
    num_blocks: int, in_channels: int, out_channels: int, stride: int = 1
) -> nn.Sequential:
    """`num_blocks` residual blocks, the first of them with `stride`."""
    first = ResidualBlock(in_channels, out_channels, stride)
    rest = (
        ResidualBlock(out_channels, out_channels)
        for _ in range(num_blocks - 1)
    )
    return nn.Sequential(first, *rest)


def stem4(in_channels: int) -> nn.Sequential:
    """Image norm, three convolutions, max pool: stride 4, 16 channels."""
    return nn.Sequential(
        build_norm_layer(BN, in_channels)[1],
        *conv_norm_act(in_channels, 8, stride=2, act=nn.ReLU(True)),
        *conv_norm_act(8, 8, act=nn.ReLU(True)),
        *conv_norm_act(8, 16, act=nn.ReLU(True)),
        nn.MaxPool2d(3, stride=2, padding=1),
    )


def upsample2(in_channels: int, out_channels: int) -> nn.ConvTranspose2d:
    """Transposed convolution that exactly doubles height and width."""
    return nn.ConvTranspose2d(
        in_channels, out_channels, 4, stride=2, padding=1
    )


def stem1_tiny(in_channels: int) -> nn.Sequential:
    """Stem of stride 1, 16 channels, as in ACM's own release."""
    return nn.Sequential(
        build_norm_layer(BN, in_channels)[1],
        *conv_norm_act(in_channels, 16, act=nn.ReLU(True)),
    )


class AsymmetricModulation(nn.Module):
    """Asymmetric contextual modulation (ACM, equations 4 to 6).

    The globally pooled deep feature weights the shallow one, the shallow
    feature weights the deep one point by point; the factor 2 makes a neutral
    gate of 0.5 an identity. The default norm, a group norm with one group,
    also works on the 1x1 maps of a single image.
    """

    def __init__(self, channels: int, norm_cfg: dict = GN1):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.topdown = _gate(channels, norm_cfg)
        self.bottomup = _gate(channels, norm_cfg)
        self.post = conv_norm_act(
            channels, channels, bias=True, norm_cfg=norm_cfg, act=nn.ReLU(True)
        )

    def forward(self, deep: Tensor, shallow: Tensor) -> Tensor:
        """Fuse two maps of shape (B, channels, H, W) into one of the same."""
        global_gate = self.topdown(self.pool(deep))
        local_gate = self.bottomup(shallow)
        fused = 2 * global_gate * shallow + 2 * local_gate * deep
        return self.post(fused)


def _gate(channels: int, norm_cfg: dict) -> nn.Sequential:
    mid, both = channels // 4, dict(bias=True, norm_cfg=norm_cfg)
    return nn.Sequential(
        *conv_norm_act(channels, mid, 1, act=nn.ReLU(True), **both),
        *conv_norm_act(mid, channels, 1, act=nn.Sigmoid(), **both),
    )


def pixel_head(channels: int, dropout: float) -> nn.Sequential:
    """3x3 convolution, norm, ReLU, dropout and the 1x1 logit convolution."""
    mid = channels // 4
    return nn.Sequential(
        *conv_norm_act(channels, mid, act=nn.ReLU(True)),
        nn.Dropout(dropout),
        nn.Conv2d(mid, 1, 1),
    )
