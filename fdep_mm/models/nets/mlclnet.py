"""MLCL-Net: multiscale local contrast learning.

Yu, Liu, Wu, Hu, Xia, Lan, Liu, "Infrared small target detection based on
multiscale local contrast learning networks", Infrared Physics & Technology
2022, DOI 10.1016/j.infrared.2022.104107. Written from measurements of the
PyTorch form in the PAL framework (arXiv 2412.11154), three blocks per stage;
657,249 parameters with 3 input channels.

Differences from the paper, all that form's (the paper's own model is in Keras
and has 636,849 parameters):
    * the three scales are fused by a 1x1 convolution, not by their mean;
    * the deepest level has a lateral convolution as the others do;
    * strided convolutions pad all sides, upsampling aligns the corners;
    * PyTorch's batch norm defaults; Kaiming initialization by fan-out in
      residual blocks and contrast modules, PyTorch's default elsewhere.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from fdep_mm.registry import MODELS

from ..layers import (
    LateralHead,
    TrunkEncoder,
    conv_norm_act,
    init_kaiming,
    local_contrast,
    logit_layers,
    upsample_bilinear2,
)

CHANNELS = (16, 32, 64)


@MODELS.register_module()
class MLCLNetEncoder(TrunkEncoder):
    """Encoder of MLCL-Net: strides 1, 2 and 4 with 16, 32 and 64 channels.

    Args:
        in_channels (int): Channels of the image.
        num_blocks (int): Residual blocks per stage; 2 gives the small form of
            559,809 parameters.
    """

    def __init__(self, in_channels: int = 3, num_blocks: int = 3):
        super().__init__(in_channels, CHANNELS, num_blocks, kaiming_stem=False)


class MultiscaleContrast(nn.Module):
    """Multiscale local contrast learning module (MLCL).

    Local contrasts with cells of 1, 3 and 5 px side by side, fused by a
    linear 1x1 convolution (Kaiming).
    """

    def __init__(self, channels: int):
        super().__init__()
        self.scales = nn.ModuleList(
            local_contrast(channels, cell) for cell in (1, 3, 5)
        )
        self.fuse = init_kaiming(nn.Conv2d(3 * channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) -> the same shape."""
        return self.fuse(torch.cat([scale(x) for scale in self.scales], dim=1))


@MODELS.register_module()
class MLCLNetHead(LateralHead):
    """Decoder of MLCL-Net: contrast modules and a bilinear pyramid.

    Args:
        **kwargs: As in :class:`SIRSTHead`.
    """

    def __init__(self, **kwargs):
        super().__init__(in_channels=CHANNELS, **kwargs)
        self.contrasts = nn.ModuleList(
            MultiscaleContrast(channels) for channels in self.in_channels
        )
        self.laterals = nn.ModuleList(
            conv_norm_act(
                channels, 64, 1, bias=True, norm_cfg=None, act=nn.ReLU(True)
            )
            for channels in self.in_channels
        )
        self.up = upsample_bilinear2()
        self.logits = logit_layers(64)
        self.init_prior(self.logits[-1])

    def _lateral(self, level: int, feat: Tensor) -> Tensor:
        return self.laterals[level](self.contrasts[level](feat))

    def transfer(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        return [self._lateral(level, inputs[level]) for level in (0, 1)]

    def fuse(self, laterals: list[Tensor], deepest: Tensor) -> Tensor:
        x = self.up(self._lateral(2, deepest)) + laterals[1]
        x = self.up(x) + laterals[0]
        return self.logits(x)
