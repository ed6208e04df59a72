"""Blocks shared by ACM and both forms of ALCNet."""

from torch import Tensor, nn

from .conv import conv_norm_act

GN1 = dict(type='GN', num_groups=1)


def upsample2(in_channels: int, out_channels: int) -> nn.ConvTranspose2d:
    """Transposed convolution that exactly doubles height and width."""
    return nn.ConvTranspose2d(
        in_channels, out_channels, 4, stride=2, padding=1
    )


class AsymmetricModulation(nn.Module):
    """Asymmetric contextual modulation (ACM, equations 4 to 6).

    The globally pooled deep feature weights the shallow one, the shallow
    feature weights the deep one point by point; the factor 2 makes a neutral
    gate of 0.5 an identity. The default norm, a group norm with one group,
    also works on the 1x1 maps of a single image.
    """

    def __init__(self, channels: int, norm_cfg: dict = GN1):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.topdown = _gate(channels, norm_cfg)
        self.bottomup = _gate(channels, norm_cfg)
        self.post = conv_norm_act(
            channels, channels, bias=True, norm_cfg=norm_cfg, act=nn.ReLU(True)
        )

    def forward(self, deep: Tensor, shallow: Tensor) -> Tensor:
        """Fuse two maps of shape (B, channels, H, W) into one of the same."""
        global_gate = self.topdown(self.pool(deep))
        local_gate = self.bottomup(shallow)
        fused = 2 * global_gate * shallow + 2 * local_gate * deep
        return self.post(fused)


def _gate(channels: int, norm_cfg: dict) -> nn.Sequential:
    mid, both = channels // 4, dict(bias=True, norm_cfg=norm_cfg)
    return nn.Sequential(
        *conv_norm_act(channels, mid, 1, act=nn.ReLU(True), **both),
        *conv_norm_act(mid, channels, 1, act=nn.Sigmoid(), **both),
    )


def pixel_head(channels: int, dropout: float) -> nn.Sequential:
    """3x3 convolution, norm, ReLU, dropout and the 1x1 logit convolution."""
    mid = channels // 4
    return nn.Sequential(
        *conv_norm_act(channels, mid, act=nn.ReLU(True)),
        nn.Dropout(dropout),
        nn.Conv2d(mid, 1, 1),
    )
