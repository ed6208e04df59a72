"""ALCL-Net: attention-based local contrast learning.

Yu, Liu, Wu, Xia, Hu, Lan, Liu, "Pay Attention to Local Contrast Learning
Networks for Infrared Small Target Detection", GRSL 2022, DOI
10.1109/LGRS.2022.3178984. Written from measurements of the PyTorch form in
the PAL framework (arXiv 2412.11154); 5,668,145 parameters with 3 input
channels, as many as the paper's own model (in Keras).

Differences from the paper, all that form's:
    * strided convolutions pad all sides, upsampling aligns the corners;
    * PyTorch's batch norm defaults; Kaiming initialization by fan-out.
"""

from torch import Tensor, nn

from fdep_mm.registry import MODELS

from ..layers import (
    TopDownHead,
    TrunkEncoder,
    conv_bn,
    init_kaiming,
    local_contrast,
    upsample_bilinear2,
)

CHANNELS = (16, 32, 64, 128, 256)


@MODELS.register_module()
class ALCLNetEncoder(TrunkEncoder):
    """Encoder of ALCL-Net: strides 1 to 16 with 16 to 256 channels.

    Args:
        in_channels (int): Channels of the image.
        num_blocks (int): Residual blocks per stage.
    """

    def __init__(self, in_channels: int = 3, num_blocks: int = 3):
        super().__init__(in_channels, CHANNELS, num_blocks)


class BilinearAttention(nn.Module):
    """Simplified bilinear-interpolation attention module (SBAM, Kaiming).

    The shallow feature gates the upsampled deep one, which is added to it.
    """

    def __init__(self, deep_channels: int, channels: int):
        super().__init__()
        self.up = upsample_bilinear2()
        self.project = conv_bn(deep_channels, channels, 1, act=nn.ReLU(True))
        self.gate = conv_bn(channels, channels, 1, act=nn.Sigmoid())
        init_kaiming(self)

    def forward(self, deep: Tensor, shallow: Tensor) -> Tensor:
        """(B, deep_channels, H/2, W/2), (B, channels, H, W) -> the latter."""
        return shallow + self.project(self.up(deep)) * self.gate(shallow)


@MODELS.register_module()
class ALCLNetHead(TopDownHead):
    """Decoder of ALCL-Net: local contrasts, fused from the deepest up.

    Args:
        **kwargs: As in :class:`SIRSTHead`.
    """

    def __init__(self, **kwargs):
        super().__init__(CHANNELS, local_contrast, BilinearAttention, **kwargs)
