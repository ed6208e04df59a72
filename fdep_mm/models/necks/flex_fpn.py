"""Feature pyramid with the two finest output levels, and no others.

*One-Stage Cascade Refinement Networks for Infrared Small Target Detection*
(OSCAR), Dai et al., IEEE TGRS 2023, https://arxiv.org/abs/2212.08472.

Difference from the paper's toolkit: it lacks the output convolutions of
levels that nobody reads (1.18 M parameters of the 256-channel neck), so that
distributed training finds no unused parameter.
"""

from collections.abc import Sequence

import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from fdep_mm.registry import MODELS


@MODELS.register_module()
class FlexFPN(BaseModule):
    """1x1 laterals, nearest top-down additions, 3x3 outputs.

    Args:
        in_channels (Sequence[int]): Channels of the inputs, shallow to deep.
        out_channels (int): Channels of every output.
        init_cfg (dict, optional): Defaults to Xavier, uniform.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: int,
        init_cfg: dict | None = dict(
            type='Xavier', layer='Conv2d', distribution='uniform'
        ),
    ):
        super().__init__(init_cfg)
        self.lateral_convs = nn.ModuleList(
            nn.Conv2d(channels, out_channels, 1) for channels in in_channels
        )
        self.fpn_convs = nn.ModuleList(
            nn.Conv2d(out_channels, out_channels, 3, padding=1)
            for _ in range(2)
        )

    def forward(self, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Fuse levels (B, C_i, H_i, W_i), shallow to deep.

        Gives (B, out_channels, H_i, W_i) for each of the first two.
        """
        pairs = zip(self.lateral_convs, inputs, strict=True)
        levels = [conv(x) for conv, x in pairs]
        for i in range(len(levels) - 1, 0, -1):
            size = levels[i - 1].shape[-2:]
            levels[i - 1] = levels[i - 1] + F.interpolate(levels[i], size)
        pairs = zip(self.fpn_convs, levels[:2], strict=True)
        return tuple(conv(x) for conv, x in pairs)
