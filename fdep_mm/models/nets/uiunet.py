"""UIU-Net: U-Net in U-Net for Infrared Small Object Detection.

Wu, Hong, Chanussot, TIP 2023, arXiv 2212.00968; its residual U-blocks (RSU)
are U2-Net's. Written from the papers and from measurements of the widely used
PyTorch port; 50,541,461 parameters with 3 input channels.

Differences from the paper (the first two are the port's):
    * the norms inside the cross attention are group norms with one group, as
      in PAL's port (others: batch norms, `norm_cfg`);
    * logits instead of probabilities;
    * height and width must be multiples of 32, where the paper's code rounds
      odd sizes up and resizes back;
    * the side maps are not returned in evaluation mode.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fdep_mm.registry import MODELS

from ..layers import (
    GN1,
    ImageEncoder,
    SIRSTHead,
    SpatialGate,
    conv_bn,
    conv_norm_act,
)


def conv3(
    in_channels: int, out_channels: int, dilation: int = 1
) -> nn.Sequential:
    """3x3 convolution, batch norm and ReLU, size kept."""
    act = nn.ReLU(True)
    return conv_bn(in_channels, out_channels, act=act, dilation=dilation)


def enlarge(x: Tensor, factor: int) -> Tensor:
    """(B, C, H, W) -> (B, C, factor * H, factor * W), half-pixel centers."""
    return F.interpolate(x, scale_factor=factor, mode='bilinear')


class RSU(nn.Module):
    """Residual U-block: a small U-Net plus its first convolution's output.

    `depth` is L in the paper's RSU-L; it pools ``depth - 2`` times.
    """

    def __init__(self, depth: int, in_channels: int, mid: int, out: int):
        super().__init__()
        inner = [mid] * (depth - 2)
        self.stem = conv3(in_channels, out)
        self.encoder = nn.ModuleList(conv3(c, mid) for c in (out, *inner))
        self.bottom = conv3(mid, mid, dilation=2)
        self.decoder = nn.ModuleList(conv3(2 * mid, c) for c in (*inner, out))

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> (B, out, H, W)."""
        x = self.stem(x)
        feats = [self.encoder[0](x)]
        for conv in self.encoder[1:]:
            feats.append(conv(F.max_pool2d(feats[-1], 2)))
        y = self.bottom(feats[-1])
        y = self.decoder[0](torch.cat([y, feats.pop()], 1))
        for conv in self.decoder[1:]:
            y = conv(torch.cat([enlarge(y, 2), feats.pop()], 1))
        return y + x


class DilatedRSU(nn.Module):
    """RSU-4F: a residual U-block that dilates instead of pooling."""

    def __init__(self, in_channels: int, mid: int, out: int):
        super().__init__()
        self.stem = conv3(in_channels, out)
        self.encoder = nn.ModuleList([conv3(out, mid)])
        self.encoder.extend(
            conv3(mid, mid, dilation) for dilation in (2, 4, 8)
        )
        self.decoder = nn.ModuleList(
            [
                conv3(2 * mid, mid, 4),
                conv3(2 * mid, mid, 2),
                conv3(2 * mid, out),
            ]
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> (B, out, H, W)."""
        x = self.stem(x)
        feats = [x]
        for conv in self.encoder:
            feats.append(conv(feats[-1]))
        y = feats.pop()
        for conv in self.decoder:
            y = conv(torch.cat([y, feats.pop()], 1))
        return y + x


class InteractiveCrossAttention(nn.Module):
    """Interactive-cross attention (IC-A) of a deep and a shallow feature.

    The deep feature weights the channels of the shallow one, the result
    weights the pixels of the deep one; the factor 2 makes a neutral gate of
    0.5 an identity.
    """

    def __init__(self, channels: int, norm_cfg: dict = GN1):
        super().__init__()
        self.norm_cfg = norm_cfg
        mid = channels // 4
        self.project = self._layer(channels, channels)
        self.channel_gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            *self._layer(channels, mid),
            *self._layer(mid, channels, act=nn.Sigmoid()),
        )
        self.squeeze = self._layer(channels, mid)
        self.spatial_gate = SpatialGate(3)
        self.post = self._layer(channels, channels, 3)

    def _layer(
        self, width: int, out: int, size: int = 1, act: nn.Module | None = None
    ) -> nn.Sequential:
        kwargs = dict(norm_cfg=self.norm_cfg, act=act or nn.ReLU(True))
        return conv_norm_act(width, out, size, bias=True, **kwargs)

    def forward(self, deep: Tensor, shallow: Tensor) -> Tensor:
        """Two maps (B, channels, H, W) -> (B, 2 * channels, H, W)."""
        deep = self.project(deep)
        shallow = self.channel_gate(deep) * shallow
        deep = self.spatial_gate(self.squeeze(shallow)) * deep
        # one module twice: both features go through the same weights
        return torch.cat([self.post(2 * shallow), self.post(2 * deep)], 1)


@MODELS.register_module()
class UIUNetEncoder(ImageEncoder):
    """Encoder of UIU-Net: six residual U-blocks, strides 1 to 32.

    Channels are 64, 128, 256 and three times 512.

    Args:
        in_channels (int): Channels of the image.
    """

    def __init__(self, in_channels: int = 3):
        super().__init__(in_channels)
        self.stages = nn.ModuleList(
            [
                RSU(7, in_channels, 32, 64),
                RSU(6, 64, 32, 128),
                RSU(5, 128, 64, 256),
                RSU(4, 256, 128, 512),
                DilatedRSU(512, 256, 512),
                DilatedRSU(512, 256, 512),
            ]
        )

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """(B, C, H, W) -> (B, 64, H, W) to (B, 512, H/32, W/32)."""
        x = self.prepare(x, 32)
        feats = [self.stages[0](x)]
        for stage in self.stages[1:]:
            feats.append(stage(F.max_pool2d(feats[-1], 2)))
        return tuple(feats)


@MODELS.register_module()
class UIUNetHead(SIRSTHead):
    """Decoder of UIU-Net: cross attention and a residual U-block per level.

    The final logits are a 1x1 convolution of the six side maps, so the side
    maps are always computed; `deep_supervision` only adds their losses.

    Args:
        deep_supervision (bool): Whether training also supervises the six side
            maps.
        norm_cfg (dict): Norms of the cross attention. ``dict(type='BN')`` is
            BasicIRSTD's and PepperPepper's port, the default PAL's.
        **kwargs: As in :class:`SIRSTHead`.
    """

    def __init__(
        self, deep_supervision: bool = True, norm_cfg: dict = GN1, **kwargs
    ):
        super().__init__(in_channels=(64, 128, 256, 512, 512, 512), **kwargs)
        self.deep_supervision = deep_supervision
        self.fuse5 = InteractiveCrossAttention(512, norm_cfg)
        self.stage5 = DilatedRSU(1024, 256, 512)
        self.fuse4 = InteractiveCrossAttention(512, norm_cfg)
        self.stage4 = RSU(4, 1024, 128, 256)
        self.fuse3 = InteractiveCrossAttention(256, norm_cfg)
        self.stage3 = RSU(5, 512, 64, 128)
        self.fuse2 = InteractiveCrossAttention(128, norm_cfg)
        self.stage2 = RSU(6, 256, 32, 64)
        self.stage1 = RSU(7, 128, 16, 64)
        self.sides = nn.ModuleList(
            nn.Conv2d(channels, 1, 3, padding=1)
            for channels in (64, 64, 128, 256, 512, 512)
        )
        self.logits = nn.Conv2d(6, 1, 1)
        for conv in (*self.sides, self.logits):
            self.init_prior(conv)
        if self.prior_prob is not None:
            # the side maps it adds up already sit at the prior's log odds
            with torch.no_grad():
                self.logits.bias *= 1 - self.logits.weight.sum()

    def forward(self, inputs: tuple[Tensor, ...]) -> Tensor | list[Tensor]:
        """Decode the encoder's six features to logits (B, 1, H, W).

        With deep supervision training gets a list: the final logits, then the
        side maps from fine to coarse.
        """
        feat1, feat2, feat3, feat4, feat5, x6 = self._transform_inputs(inputs)
        x5 = self.stage5(self.fuse5(enlarge(x6, 2), feat5))
        x4 = self.stage4(self.fuse4(enlarge(x5, 2), feat4))
        x3 = self.stage3(self.fuse3(enlarge(x4, 2), feat3))
        x2 = self.stage2(self.fuse2(enlarge(x3, 2), feat2))
        x1 = self.stage1(torch.cat([enlarge(x2, 2), feat1], 1))
        sides = [
            enlarge(conv(x), 2**level)
            for level, (conv, x) in enumerate(
                zip(self.sides, (x1, x2, x3, x4, x5, x6), strict=True)
            )
        ]
        logits = self.logits(torch.cat(sides, 1))
        if self.training and self.deep_supervision:
            return [logits, *sides]
        return logits
