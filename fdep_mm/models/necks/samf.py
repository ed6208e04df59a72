"""SAMF: Semantic Alignment Modulation Fusion.

*Rethinking Infrared Small Target Detection: A Foundation-Driven Efficient
Paradigm* (FDEP), Yu et al., arXiv 2512.05511. First public implementation,
built from the abstract and the figure. The figure draws five convolutions and
their wiring; kernel sizes, norms, activations and the resizing of the prior
are our choices, to be checked again if the authors release code.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn

from fdep_mm.registry import MODELS


class SAMF(BaseModule):
    """One fusion block, the figure's equation::

        F1, F2 = split(F)
        Y1 = Conv_c(F1 * Conv_a(D))
        Y2 = Conv_d(F2 + Conv_b(D))
        out = Conv_e(concat(Y1, Y2) + F)

    Args:
        in_channels (int): Channels C of the host's feature F; even.
        prior_channels (int): Channels of the prior D.
        norm_cfg (dict, optional): Norm after Conv_c and Conv_d.
        act_cfg (dict, optional): Activation after Conv_c and Conv_d.
        identity_start (bool): Start close to ``out = F``: a Dirac Conv_e,
            norms c and d with a scale of 0.01; it needs norms.

    Raises:
        ValueError: If `in_channels` is odd, or `identity_start` is asked for
            without norms.
    """

    def __init__(
        self,
        in_channels: int,
        prior_channels: int,
        norm_cfg: dict | None = dict(type='BN'),
        act_cfg: dict | None = dict(type='ReLU'),
        identity_start: bool = False,
    ):
        super().__init__()
        if in_channels % 2:
            raise ValueError(
                'SAMF splits the bottleneck into halves: in_channels must be '
                f'even, got {in_channels}; choose another bottleneck'
            )
        half = in_channels // 2
        self.conv_a = nn.Conv2d(prior_channels, half, 1)
        self.conv_b = nn.Conv2d(prior_channels, half, 1)
        layers = dict(padding=1, norm_cfg=norm_cfg, act_cfg=act_cfg)
        self.conv_c = ConvModule(half, half, 3, **layers)
        self.conv_d = ConvModule(half, half, 3, **layers)
        self.conv_e = nn.Conv2d(in_channels, in_channels, 3, padding=1)
        if identity_start and norm_cfg is None:
            raise ValueError('identity_start=True needs a norm_cfg')
        if identity_start:
            nn.init.dirac_(self.conv_e.weight)
            nn.init.zeros_(self.conv_e.bias)
            # zero would leave their ReLU without a gradient for good
            nn.init.constant_(self.conv_c.norm.weight, 0.01)
            nn.init.constant_(self.conv_d.norm.weight, 0.01)

    def forward(self, feat: Tensor, prior: Tensor) -> Tensor:
        """Fuse a feature with a prior.

        Args:
            feat (Tensor): F, (B, C, h, w).
            prior (Tensor): D, (B, prior_channels, h', w'); resized to (h, w).
        """
        if prior.shape[-2:] != feat.shape[-2:]:
            prior = F.interpolate(
                prior, feat.shape[-2:], mode='bilinear', align_corners=False
            )
        feat1, feat2 = feat.chunk(2, dim=1)
        out1 = self.conv_c(feat1 * self.conv_a(prior))
        out2 = self.conv_d(feat2 + self.conv_b(prior))
        return self.conv_e(torch.cat((out1, out2), dim=1) + feat)


@MODELS.register_module()
class SAMFNeck(BaseModule):
    """A chain of SAMF blocks; block i takes prior i.

    Args:
        in_channels (int): Channels of the host's bottleneck; even.
        prior_channels (Sequence[int]): Channels of each prior.
        norm_cfg, act_cfg, identity_start: As in :class:`SAMF`.

    Raises:
        ValueError: If `in_channels` is odd or `prior_channels` empty.
    """

    def __init__(
        self,
        in_channels: int,
        prior_channels: Sequence[int],
        norm_cfg: dict | None = dict(type='BN'),
        act_cfg: dict | None = dict(type='ReLU'),
        identity_start: bool = False,
    ):
        super().__init__()
        if not prior_channels:
            raise ValueError('prior_channels must name at least one prior')
        self.blocks = nn.ModuleList(
            SAMF(in_channels, channels, norm_cfg, act_cfg, identity_start)
            for channels in prior_channels
        )

    def forward(self, feat: Tensor, priors: Sequence[Tensor]) -> Tensor:
        """Fuse a feature (B, C, h, w) with all priors, shallowest first."""
        if len(priors) != len(self.blocks):
            raise ValueError(
                f'SAMFNeck has {len(self.blocks)} blocks, one '
                f'for each prior, got {len(priors)} priors'
            )
        for block, prior in zip(self.blocks, priors, strict=True):
            feat = block(feat, prior)
        return feat
