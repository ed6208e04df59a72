"""Networks of OSCAR's head; targets and losses are in ``oscar_head.py``.

*One-Stage Cascade Refinement Networks for Infrared Small Target Detection*,
Dai et al., IEEE TGRS 2023, https://arxiv.org/abs/2212.08472.

Differences from the paper's code:

* outputs are float32 under mixed precision as well;
* the exponent of the coarse distances is limited to 10 (22026 px), so that a
  diverging step gives a huge loss and not NaN;
* `prior_prob` can start the scores low; None, the default, is the paper's.
"""

from math import log
from typing import NamedTuple

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule, Scale
from mmengine.model import BaseModule
from torch import Tensor, nn

from fdep_mm.registry import MODELS

MAX_EXPONENT = 10.0


class OSCARMaps(NamedTuple):
    """Outputs of the head, all float32; coarse is P3, refined is P2."""

    coarse_cls: Tensor  # (B, num_classes, h, w), gated logits
    coarse_reg: Tensor  # (B, 4, h, w), left, top, right, bottom in px
    refine_cls: Tensor  # (B, num_classes, H, W), gated logits
    refine_reg: Tensor  # (B, 4, H, W), corner offsets in refine strides
    refine_noco: Tensor  # (B, 1, H, W), logits


def _resize(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, like.shape[-2:], mode='bilinear')


def _tower(in_channels: int, out_channels: int, norm_cfg: dict):
    widths = [in_channels] + [out_channels] * 4
    return nn.Sequential(
        *(
            ConvModule(a, b, 3, padding=1, norm_cfg=norm_cfg)
            for a, b in zip(widths, widths[1:], strict=False)
        )
    )


@MODELS.register_module()
class OSCARHeadModule(BaseModule):
    """Five towers, seven predictors, and gates between the two levels.

    The other level's class tower gates a level's class logits::

        coarse_cls = conv_cls_c(C) * sigmoid(resize(conv_gate_r(R)))
        refine_cls = conv_cls_r(R) * sigmoid(resize(conv_gate_c(C)))

    One gate serves all classes, where the toolkit has one for each: no
    difference with the one class of SIRST.

    Args:
        in_channels (int): Channels of both features.
        num_classes (int): Defaults to 1.
        feat_channels (int, optional): Width of the towers. Defaults to half
            of `in_channels`.
        norm_cfg (dict): Norm in the towers. Defaults to GN with 32 groups.
        prior_prob (float, optional): Class and NoCo scores of an untrained
            head, in (0, 1); the gates, 0.5 then, are allowed for. None: biases
            are 0 and the scores 0.5.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int = 1,
        feat_channels: int | None = None,
        norm_cfg: dict = dict(type='GN', num_groups=32),
        prior_prob: float | None = None,
    ):
        super().__init__(_normal_init(prior_prob))
        self.num_classes = num_classes
        width = feat_channels or in_channels // 2
        self.coarse_cls_tower = _tower(in_channels, width, norm_cfg)
        self.coarse_reg_tower = _tower(in_channels, width, norm_cfg)
        self.refine_cls_tower = _tower(in_channels, width, norm_cfg)
        self.refine_reg_tower = _tower(in_channels + width, width, norm_cfg)
        self.refine_noco_tower = _tower(in_channels, width, norm_cfg)
        self.coarse_cls_conv = nn.Conv2d(width, num_classes, 3, padding=1)
        self.coarse_reg_conv = nn.Conv2d(width, 4, 3, padding=1)
        self.coarse_gate_conv = nn.Conv2d(width, 1, 3, padding=1)
        self.refine_cls_conv = nn.Conv2d(width, num_classes, 3, padding=1)
        self.refine_reg_conv = nn.Conv2d(width, 4, 3, padding=1)
        self.refine_gate_conv = nn.Conv2d(width, 1, 3, padding=1)
        self.refine_noco_conv = nn.Conv2d(width, 1, 3, padding=1)
        self.coarse_scale = Scale(1.0)
        self.refine_scale = Scale(1.0)

    def forward(self, x: tuple[Tensor, Tensor]) -> OSCARMaps:
        """Predict from P2 (B, C, 2h, 2w) and P3 (B, C, h, w)."""
        fine, coarse = x
        coarse_cls = self.coarse_cls_tower(coarse)
        coarse_reg = self.coarse_reg_tower(coarse)
        refine_cls = self.refine_cls_tower(fine)
        refine_reg = self.refine_reg_tower(
            torch.cat((fine, _resize(coarse_reg, fine)), dim=1)
        )
        noco = self.refine_noco_conv(self.refine_noco_tower(fine))
        coarse_gate = _resize(self.coarse_gate_conv(coarse_cls), fine)
        refine_gate = _resize(self.refine_gate_conv(refine_cls), coarse)
        exponent = self.coarse_scale(self.coarse_reg_conv(coarse_reg).float())
        offset = self.refine_scale(self.refine_reg_conv(refine_reg).float())
        return OSCARMaps(
            self.coarse_cls_conv(coarse_cls).float()
            * refine_gate.float().sigmoid(),
            exponent.clamp(max=MAX_EXPONENT).exp(),
            self.refine_cls_conv(refine_cls).float()
            * coarse_gate.float().sigmoid(),
            offset,
            noco.float(),
        )


def _normal_init(prior_prob: float | None) -> dict:
    """N(0, 0.01) and no bias, except for the scores' convolutions."""
    init_cfg = dict(type='Normal', layer='Conv2d', std=0.01)
    if prior_prob is None:
        return init_cfg
    if not 0 < prior_prob < 1:
        raise ValueError(
            f'prior_prob={prior_prob}: give a probability inside (0, 1), or '
            'None for biases of 0'
        )
    logit = log(prior_prob / (1 - prior_prob))
    biases = dict(
        coarse_cls_conv=2 * logit,  # a gate of 0.5 halves it
        refine_cls_conv=2 * logit,
        refine_noco_conv=logit,
    )
    override = [
        dict(type='Normal', name=name, std=0.01, bias=bias)
        for name, bias in biases.items()
    ]
    return dict(init_cfg, override=override)
