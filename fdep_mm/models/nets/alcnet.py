"""ALCNet, the widely used port without a local-contrast operator.

Dai, Wu, Zhou, Barnard, "Attentional Local Contrast Networks for Infrared
Small Target Detection", TGRS 2021, arXiv 2012.08573. Written from
measurements of the PyTorch port that today's result tables call ALCNet;
427,109 parameters with 3 input channels.

Differences from the paper:
    * no dilated local contrast and no bottom-up attention: the port is an
      ACM-like encoder-decoder at a quarter of the paper's resolution;
    * the norms are as in :mod:`.acm`;
    * the port builds two residual stages that it never runs (92,928
      parameters, hence the 520,037 of its tables); they are not built here.
"""

import torch.nn.functional as F
from torch import Tensor

from fdep_mm.registry import MODELS

from ..layers import (
    GN1,
    AsymmetricModulation,
    SIRSTHead,
    pixel_head,
    upsample2,
)
from .acm import ACMEncoder


@MODELS.register_module()
class ALCNetEncoder(ACMEncoder):
    """Encoder of ALCNet: ACM's with four residual blocks per stage.

    Args:
        in_channels (int): Channels of the image.
        num_blocks (int): Residual blocks per stage.
    """

    def __init__(self, in_channels: int = 3, num_blocks: int = 4):
        super().__init__(in_channels, num_blocks)


@MODELS.register_module()
class ALCNetHead(SIRSTHead):
    """Decoder of ALCNet: two modulated fusions at strides 8 and 4.

    Args:
        dropout (float): Dropout in the last layers.
        norm_cfg (dict): Norms of the modulation. ``dict(type='BN')`` is
            BasicIRSTD's and PepperPepper's port, the default PAL's.
        **kwargs: As in :class:`SIRSTHead`.
    """

    def __init__(self, dropout: float = 0.1, norm_cfg: dict = GN1, **kwargs):
        super().__init__(in_channels=(16, 32, 64), **kwargs)
        self.up2 = upsample2(64, 32)
        self.fuse2 = AsymmetricModulation(32, norm_cfg)
        self.up1 = upsample2(32, 16)
        self.fuse1 = AsymmetricModulation(16, norm_cfg)
        self.up0 = upsample2(16, 8)
        self.logits = pixel_head(8, dropout)
        self.init_prior(self.logits[-1], non_negative=True)

    def forward(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """Decode the encoder's three features to logits (B, 1, H, W)."""
        feat1, feat2, feat3 = self._transform_inputs(inputs)
        x = self.fuse2(self.up2(feat3), feat2)
        x = self.fuse1(self.up1(x), feat1)
        return F.interpolate(
            self.logits(self.up0(x)), scale_factor=2, mode='bilinear'
        )
