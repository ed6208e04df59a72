"""ACM: Asymmetric Contextual Modulation for Infrared Small Target Detection.

Dai, Wu, Zhou, Barnard, WACV 2021, arXiv 2009.14530. Written from the paper
and from measurements of the widely used PyTorch port (U-Net form, three
blocks per stage, stride-4 stem); 397,971 parameters with 3 input channels.

Differences from the paper (all but the last are the port's):
    * three residual blocks per stage, the paper's release used four;
    * the norms inside the modulation are group norms with one group, as in
      PAL's port (BasicIRSTD's and PepperPepper's: batch norms, `norm_cfg`);
    * the image norm is affine;
    * stem, shortcut and head norms average their statistics with PyTorch's
      momentum 0.1, the port's with 0.9. That is little more than the last
      batch and costs up to 4 points of IoU at test; what is learned is the
      same.
"""

import torch
import torch.nn.functional as F
from mmcv.cnn import build_norm_layer
from torch import Tensor, nn

from fdep_mm.registry import MODELS

from ..layers import (
    BN,
    GN1,
    AsymmetricModulation,
    ImageEncoder,
    SIRSTHead,
    conv_norm_act,
    pixel_head,
    upsample2,
)


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


def stem1_tiny(in_channels: int) -> nn.Sequential:
    """Stem of stride 1, 16 channels, as in ACM's own release."""
    return nn.Sequential(
        build_norm_layer(BN, in_channels)[1],
        *conv_norm_act(in_channels, 16, act=nn.ReLU(True)),
    )


@MODELS.register_module()
class ACMEncoder(ImageEncoder):
    """Encoder of ACM: strides 4, 8 and 16 with 16, 32 and 64 channels.

    Args:
        in_channels (int): Channels of the image.
        num_blocks (int): Residual blocks per stage.
        tiny (bool): Stem of stride 1, so strides 1, 2 and 4, as in the weights
            released with the paper (which have four blocks per stage).
    """

    def __init__(
        self, in_channels: int = 3, num_blocks: int = 3, tiny: bool = False
    ):
        super().__init__(in_channels)
        self.divisor = 4 if tiny else 16
        self.stem = (stem1_tiny if tiny else stem4)(in_channels)
        self.stage1 = residual_stage(num_blocks, 16, 16)
        self.stage2 = residual_stage(num_blocks, 16, 32, stride=2)
        self.stage3 = residual_stage(num_blocks, 32, 64, stride=2)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """(B, C, H, W) -> (B, 16, H/4, W/4) to (B, 64, H/16, W/16).

        With `tiny` four times as large; the last one is the bottleneck.
        """
        x = self.prepare(x, self.divisor)
        feat1 = self.stage1(self.stem(x))
        feat2 = self.stage2(feat1)
        feat3 = self.stage3(feat2)
        return feat1, feat2, feat3


@MODELS.register_module()
class ACMHead(SIRSTHead):
    """Decoder of ACM: two modulated fusions, then the logits.

    Args:
        num_blocks (int): Residual blocks after each fusion.
        tiny (bool): As in the encoder.
        dropout (float): Dropout in the last layers.
        norm_cfg (dict): Norms of the modulation. ``dict(type='BN')`` is
            BasicIRSTD's and PepperPepper's port, the default PAL's.
        **kwargs: As in :class:`SIRSTHead`.
    """

    def __init__(
        self,
        num_blocks: int = 3,
        dropout: float = 0.1,
        tiny: bool = False,
        norm_cfg: dict = GN1,
        **kwargs,
    ):
        super().__init__(in_channels=(16, 32, 64), **kwargs)
        self.stride = 1 if tiny else 4
        self.up2 = upsample2(64, 32)
        self.fuse2 = AsymmetricModulation(32, norm_cfg)
        self.stage2 = residual_stage(num_blocks, 32, 32)
        self.up1 = upsample2(32, 16)
        self.fuse1 = AsymmetricModulation(16, norm_cfg)
        self.stage1 = residual_stage(num_blocks, 16, 16)
        self.logits = pixel_head(16, dropout)
        self.init_prior(self.logits[-1], non_negative=True)

    def forward(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """Decode the encoder's three features to logits (B, 1, H, W)."""
        feat1, feat2, feat3 = self._transform_inputs(inputs)
        x = self.stage2(self.fuse2(self.up2(feat3), feat2))
        x = self.stage1(self.fuse1(self.up1(x), feat1))
        return F.interpolate(
            self.logits(x), scale_factor=self.stride, mode='bilinear'
        )
