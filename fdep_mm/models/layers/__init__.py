"""Blocks used by two or more networks."""

from .acm_blocks import GN1, AsymmetricModulation, pixel_head, upsample2
from .cbam import ChannelGate, SpatialGate
from .conv import BN, conv_bn, conv_norm_act
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
