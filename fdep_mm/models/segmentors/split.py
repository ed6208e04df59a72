"""Where a host is cut into encoder and decoder.

Nearly every mmseg backbone is an encoder as a whole. One that holds its own
decoder registers how it is cut::

    @encode.register(MyBackbone)
    def encode_mine(backbone, inputs): ...
"""

from collections.abc import Sequence
from functools import singledispatch

from mmseg.models.backbones import UNet
from torch import Tensor, nn

from ..nets import TorchNet


def whole_encode(backbone: nn.Module, inputs: Tensor) -> Sequence[Tensor]:
    """Features of the encoder, the bottleneck among them."""
    return backbone(inputs)


def whole_decode(
    backbone: nn.Module, feats: Sequence[Tensor]
) -> Sequence[Tensor]:
    """What the backbone gives its neck and heads for these features.

    ``decode(backbone, encode(backbone, x))`` equals ``backbone(x)``.
    """
    return feats


# names of their own: a network that holds them can be pickled
encode = singledispatch(whole_encode)
decode = singledispatch(whole_decode)


@encode.register(UNet)
def unet_encode(backbone: UNet, inputs: Tensor) -> Sequence[Tensor]:
    """Deepest feature first, the order of the UNet's own outputs."""
    backbone._check_input_divisible(inputs)
    feats = []
    for stage in backbone.encoder:
        inputs = stage(inputs)
        feats.insert(0, inputs)
    return feats


@decode.register(UNet)
def unet_decode(backbone: UNet, feats: Sequence[Tensor]) -> Sequence[Tensor]:
    outs = [feats[0]]
    stages = reversed(list(backbone.decoder))
    for stage, skip in zip(stages, feats[1:], strict=True):
        outs.append(stage(skip, outs[-1]))
    return outs


encode.register(TorchNet, TorchNet.encode)
decode.register(TorchNet, TorchNet.decode)
