"""ALCNet as published, with the dilated local contrast.

Dai, Wu, Zhou, Barnard, "Attentional Local Contrast Networks for Infrared
Small Target Detection", TGRS 2021, arXiv 2012.08573. Written from the paper
and from measurements of its MXNet release; 372,573 parameters with 3 input
channels. The port that today's result tables call ALCNet is in ``alcnet.py``.

Difference from the paper: height and width must be multiples of 4 and at
least 72, where the release takes any size from 69 on.
"""

from collections.abc import Sequence
from functools import reduce

import torch
import torch.nn.functional as F
from mmcv.cnn import build_norm_layer
from mmengine.model import xavier_init
from torch import Tensor, nn

from fdep_mm.registry import MODELS

from ..layers import BN, SIRSTHead, conv_bn, conv_norm_act, pixel_head
from .acm import ACMEncoder


def init_msra_prelu(module: nn.Module) -> None:
    """The release's initialization: normal, by fan-in and fan-out."""
    gain = nn.init.calculate_gain('leaky_relu', 0.25)
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            xavier_init(layer, gain, distribution='normal')


@MODELS.register_module()
class ALCNetOrigEncoder(ACMEncoder):
    """Encoder of ALCNet as published: strides 1, 2 and 4.

    Args:
        in_channels (int): Channels of the image.
        num_blocks (int): Residual blocks per stage.
    """

    def __init__(self, in_channels: int = 3, num_blocks: int = 4):
        super().__init__(in_channels, num_blocks, tiny=True)
        self.stem[0] = build_norm_layer(dict(BN, affine=False), in_channels)[1]
        init_msra_prelu(self)


def patch_contrast(x: Tensor, shift: int) -> Tensor:
    """Contrast (B, C, H, W) of every pixel with eight others, `shift` px away.

    On each of the four axes through a pixel, the differences to the two
    opposite neighbors are multiplied; the smallest product counts. It is
    large only where the pixel exceeds (or falls below) all of them. Beyond
    the border the map starts again at the opposite side.
    """
    axes = ((shift, shift), (shift, 0), (shift, -shift), (0, shift))
    products = [
        (x.roll((dy, dx), (2, 3)) - x) * (x.roll((-dy, -dx), (2, 3)) - x)
        for dy, dx in axes
    ]
    return reduce(torch.minimum, products)


class DilatedLocalContrast(nn.Module):
    """Largest patch contrast over distances in px; no parameters."""

    def __init__(self, shifts: Sequence[int]):
        super().__init__()
        self.shifts = tuple(shifts)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        return reduce(
            torch.maximum, [patch_contrast(x, s) for s in self.shifts]
        )


class BottomUpModulation(nn.Module):
    """Bottom-up local attentional modulation (BLAM).

    The shallow feature gates the deep one point by point, then is added.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.deep_norm = build_norm_layer(BN, channels)[1]
        self.shallow_norm = build_norm_layer(BN, channels)[1]
        self.gate = nn.Sequential(
            *conv_bn(channels, channels, 1, act=nn.ReLU(True)),
            *conv_bn(channels, channels, 1, act=nn.Sigmoid()),
        )

    def forward(self, deep: Tensor, shallow: Tensor) -> Tensor:
        """Fuse two maps of shape (B, channels, H, W) into one of the same."""
        shallow = self.shallow_norm(shallow)
        return self.gate(shallow) * self.deep_norm(deep) + shallow


@MODELS.register_module()
class ALCNetOrigHead(SIRSTHead):
    """Decoder of ALCNet as published: contrasts, fused bottom-up.

    Args:
        shifts (Sequence[int]): Distances of the local contrast in px, at
            every level. Defaults to (13, 17), the released weights' choice.
        dropout (float): Dropout in the last layers.
        **kwargs: As in :class:`SIRSTHead`.
    """

    def __init__(
        self, shifts: Sequence[int] = (13, 17), dropout: float = 0.1, **kwargs
    ):
        super().__init__(in_channels=(16, 32, 64), **kwargs)
        self.contrast = DilatedLocalContrast(shifts)
        self.reduce3 = conv_norm_act(64, 16, 1, act=nn.ReLU(True))
        self.reduce2 = conv_norm_act(32, 16, 1, act=nn.ReLU(True))
        self.fuse2 = BottomUpModulation(16)
        self.fuse1 = BottomUpModulation(16)
        self.logits = pixel_head(16, dropout)
        for part in (self.reduce3, self.reduce2, self.fuse2, self.fuse1):
            init_msra_prelu(part)
        init_msra_prelu(self.logits[0])
        self.init_prior(self.logits[-1], non_negative=True)

    def forward(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """Decode the encoder's three features to logits (B, 1, H, W)."""
        feats = self._transform_inputs(inputs)
        self._check_reach(feats[-1])
        cont1, cont2, cont3 = (self.contrast(feat) for feat in feats)
        cont2, cont3 = self.reduce2(cont2), self.reduce3(cont3)
        x = self.fuse2(upsample_like(cont3, cont2), cont2)
        x = self.fuse1(upsample_like(x, cont1), cont1)
        return self.logits(x)

    def _check_reach(self, deepest: Tensor) -> None:
        height, width = deepest.shape[-2:]
        least = max(self.contrast.shifts) + 1
        if min(height, width) < least:
            raise ValueError(
                f'{type(self).__name__} compares pixels up to {least - 1} px '
                f'apart at stride 4, so images need at least {4 * least} px '
                f'on each side, got {4 * int(height)}x{4 * int(width)}. '
                'Choose a larger crop_size, pad the images (size in '
                'data_preprocessor.test_cfg), or give smaller shifts.'
            )


def upsample_like(x: Tensor, reference: Tensor) -> Tensor:
    """Bilinear resize to the size of `reference`, corners aligned."""
    return F.interpolate(
        x, size=reference.shape[2:], mode='bilinear', align_corners=True
    )
