"""Convolution, norm and activation in one call."""

from functools import partial

from mmcv.cnn import build_norm_layer
from torch import nn

BN = dict(type='BN')


def conv_norm_act(
    in_channels: int,
    out_channels: int,
    kernel_size: int = 3,
    stride: int = 1,
    bias: bool = False,
    norm_cfg: dict | None = BN,
    act: nn.Module | None = None,
    dilation: int = 1,
) -> nn.Sequential:
    """Convolution with 'same' padding, then norm, then activation.

    Unlike mmcv's ``ConvModule`` it leaves PyTorch's default initialization
    alone, which is what the reference implementations train from.

    Args:
        kernel_size (int): Odd, in px.
        norm_cfg (dict, optional): mmcv's norm config; None means no norm.
        act (nn.Module, optional): Activation; None means no activation.
    """
    conv = nn.Conv2d(
        in_channels,
        out_channels,
        kernel_size,
        stride,
        padding=dilation * (kernel_size // 2),
        dilation=dilation,
        bias=bias,
    )
    layers = [conv]
    if norm_cfg is not None:
        layers.append(build_norm_layer(norm_cfg, out_channels)[1])
    if act is not None:
        layers.append(act)
    return nn.Sequential(*layers)


# The hosts of PAL and their like keep a bias before the norm.
conv_bn = partial(conv_norm_act, bias=True)
