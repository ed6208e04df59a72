"""Blocks used by two or more networks."""

from .acm_blocks import (
    AsymmetricModulation,
    PixelHead,
    ResidualBlock,
    residual_stage,
    stem4,
    upsample2,
)
from .conv import conv_norm_act
from .sirst_head import SIRSTHead, check_multiple

__all__ = [
    'AsymmetricModulation',
    'PixelHead',
    'ResidualBlock',
    'SIRSTHead',
    'check_multiple',
    'conv_norm_act',
    'residual_stage',
    'stem4',
    'upsample2',
]
