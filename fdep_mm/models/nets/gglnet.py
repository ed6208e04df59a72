"""GGL-Net: gradient-guided learning.

Zhao, Yu, Shi, Liu, Zhang, "Gradient-Guided Learning Network for Infrared Small
Target Detection", GRSL 2023, DOI 10.1109/LGRS.2023.3308783, arXiv 2512.09497.
Written from measurements of the PyTorch form in the PAL framework
(arXiv 2412.11154), which computes the gradient map itself; 8,988,093
parameters with 3 input channels.

Differences from the paper (all but the last are that form's):
    * image and gradient map have three channels, where descriptions of the
      paper speak of one;
    * SE and TGFM's two gates start from PyTorch's default initialization:
      their special initializers are never called;
    * the spatial gate reads the mean before the maximum (weight order only).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fdep_mm.registry import MODELS

from ..layers import (
    ChannelGate,
    IdentityBlock,
    SpatialGate,
    SqueezeExcite,
    TopDownHead,
    TrunkEncoder,
    conv_bn,
    init_kaiming,
    local_contrast,
    upsample_bilinear2,
)

CHANNELS = (16, 32, 64, 128, 256)


@torch.no_grad()
def gradient_magnitude(x: Tensor) -> Tensor:
    """Length of the image's gradient by central differences, (B, C, H, W).

    The image is 0 beyond its border, so the outermost pixels have a gradient
    of their own. Nothing is propagated back: the root's slope is infinite
    at 0.
    """
    x = F.pad(x, (1, 1, 1, 1))
    dx = (x[..., 1:-1, 2:] - x[..., 1:-1, :-2]) / 2
    dy = (x[..., :-2, 1:-1] - x[..., 2:, 1:-1]) / 2
    return torch.sqrt(dx * dx + dy * dy)


class SEIdentityBlock(IdentityBlock):
    """Identity block with a channel gate between its two convolutions."""

    def __init__(self, channels: int):
        super().__init__(channels)
        self.main.insert(3, SqueezeExcite(channels))


class GradientSupplement(nn.Module):
    """Gradient supplementary module (GSM): adds the gradient map's finds."""

    def __init__(self, in_channels: int, channels: int):
        super().__init__()
        self.gradient = self._path(in_channels, channels, nn.ReLU(True))
        self.fuse = self._path(2 * channels, channels)

    @staticmethod
    def _path(
        in_channels: int, channels: int, act: nn.Module | None = None
    ) -> nn.Sequential:
        first = conv_bn(in_channels, channels, act=nn.ReLU(True))
        last = conv_bn(channels, channels, act=act)
        return nn.Sequential(
            *init_kaiming(first), SqueezeExcite(channels), *init_kaiming(last)
        )

    def forward(self, x: Tensor, gradient: Tensor) -> Tensor:
        """(B, channels, H, W), (B, in_channels, H, W) -> the former."""
        both = torch.cat([x, self.gradient(gradient)], dim=1)
        return torch.relu(x + self.fuse(both))


@MODELS.register_module()
class GGLNetEncoder(TrunkEncoder):
    """Encoder of GGL-Net: strides 1 to 16 with 16 to 256 channels.

    Args:
        in_channels (int): Channels of the image.
        num_blocks (int): Residual blocks per stage.
    """

    def __init__(self, in_channels: int = 3, num_blocks: int = 3):
        super().__init__(in_channels, CHANNELS, num_blocks, SEIdentityBlock)
        self.supplements = nn.ModuleList(
            GradientSupplement(in_channels, channels) for channels in CHANNELS
        )

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """(B, C, H, W) -> (B, 16, H, W) to (B, 256, H/16, W/16)."""
        x = self.prepare(x, 16)
        gradient = gradient_magnitude(x)
        x = self.stem(x)
        feats = []
        for stage, supplement in zip(
            self.stages, self.supplements, strict=True
        ):
            if feats:
                gradient = F.max_pool2d(gradient, 2)
            x = supplement(stage(x), gradient)
            feats.append(x)
        return tuple(feats)


class TwoWayGuidance(nn.Module):
    """Two-way guidance fusion module (TGFM).

    The deep feature gates the channels of the shallow one, the shallow
    feature gates the pixels of the deep one.
    """

    def __init__(self, deep_channels: int, channels: int):
        super().__init__()
        self.up = upsample_bilinear2()
        self.project = init_kaiming(
            conv_bn(deep_channels, channels, 1, act=nn.ReLU(True))
        )
        self.channel_gate = ChannelGate(channels, reduction=8)
        self.spatial_gate = SpatialGate(7, bias=True)

    def forward(self, deep: Tensor, shallow: Tensor) -> Tensor:
        """(B, deep_channels, H/2, W/2), (B, channels, H, W) -> the latter."""
        deep = self.project(self.up(deep))
        shallow_part = shallow * self.channel_gate(deep)
        return shallow_part + deep * self.spatial_gate(shallow)


@MODELS.register_module()
class GGLNetHead(TopDownHead):
    """Decoder of GGL-Net: local contrasts, fused from the deepest up.

    Args:
        **kwargs: As in :class:`SIRSTHead`.
    """

    def __init__(self, **kwargs):
        super().__init__(CHANNELS, local_contrast, TwoWayGuidance, **kwargs)
