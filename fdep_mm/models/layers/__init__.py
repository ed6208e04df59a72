"""Blocks used by two or more networks, and those of MSDA-Net.

The file of MSDA-Net would be too long with its direction-aware blocks.
"""

from .acm_blocks import (
    GN1,
    AsymmetricModulation,
    ResidualBlock,
    pixel_head,
    residual_stage,
    stem1_tiny,
    stem4,
    upsample2,
)
from .cbam import ChannelGate, SpatialGate
from .conv import BN, conv_bn, conv_norm_act
from .direction_blocks import (
    DirectionAwareBlock,
    ScaleBranches,
    inject_directions,
)
from .image_encoder import ImageEncoder
from .lcl_blocks import (
    DownBlock,
    IdentityBlock,
    SqueezeExcite,
    TrunkEncoder,
    init_kaiming,
    local_contrast,
    logit_layers,
    stem1,
    upsample_bilinear2,
)
from .sirst_head import SIRSTHead
from .top_down_head import LateralHead, TopDownHead
