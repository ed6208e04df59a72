"""Direction-aware blocks of MSDA-Net (arXiv 2406.02037).

Convolutions have no bias and PyTorch's default initialization, unless a
docstring says otherwise.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .cbam import SpatialGate
from .conv import conv_bn, conv_norm_act
from .lcl_blocks import SqueezeExcite, init_kaiming


def haar(x: Tensor, stride: int = 1) -> tuple[Tensor, ...]:
    """The four 2x2 Haar filters, on every channel of (B, C, H, W) by itself.

    Change from row to row (LH), from column to column (HL), along the diagonal
    (HH), and twice the mean (LL): (B, C, H - 1, W - 1), or with stride 2 half
    as large, of even H and W.
    """
    top, bottom = x[..., :-1:stride, :] / 2, x[..., 1::stride, :] / 2
    rows, change = top + bottom, top - bottom
    left, right = slice(None, -1, stride), slice(1, None, stride)
    return (
        change[..., left] + change[..., right],
        rows[..., left] - rows[..., right],
        change[..., left] - change[..., right],
        rows[..., left] + rows[..., right],
    )


def inject_directions(image: Tensor, feat: Tensor) -> Tensor:
    """High-frequency direction injection (HFDI).

    Image (B, c, H, W) and feature (B, C, H/2, W/2) -> (B, 3 * c + C, H/2,
    W/2): the image's directional changes, then the feature.
    """
    return torch.cat([*haar(image, stride=2)[:3], feat], dim=1)


def conv_bn_relu(
    in_channels: int, out_channels: int, kernel_size: int, dilation: int = 1
) -> nn.Sequential:
    """Convolution without bias, batch norm and ReLU, size kept."""
    act = nn.ReLU(inplace=True)
    return conv_norm_act(
        in_channels, out_channels, kernel_size, act=act, dilation=dilation
    )


class ScaleBranches(nn.Module):
    """Parallel branches of several scales, joined by a 3x3 convolution.

    A 1x1 convolution, and for each of the `cells`, odd sides in px, a
    convolution that gathers a cell and a dilated one that compares it with the
    eight cells around it. With cells of 3 and 5 px this is the multi-scale
    local relation learning (MLRL).
    """

    def __init__(self, channels: int, cells: Sequence[int] = (3, 5)):
        super().__init__()
        self.branches = nn.ModuleList([conv_bn_relu(channels, channels, 1)])
        self.branches.extend(
            nn.Sequential(
                *conv_bn_relu(channels, channels, cell),
                *conv_bn_relu(channels, channels, 3, dilation=cell),
            )
            for cell in cells
        )
        self.fuse = conv_bn_relu(len(self.branches) * channels, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) -> the same shape."""
        return self.fuse(torch.cat([b(x) for b in self.branches], dim=1))


class DirectionAttention(nn.Module):
    """Multi-directional attention (MDFA): a spatial gate per Haar filter.

    The filters see one row of zeros above the map and one column left of it.
    Convolutions have biases and Kaiming initialization.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.gates = nn.ModuleList(SpatialGate(7, bias=True) for _ in range(4))
        self.post = conv_bn(channels, channels)
        init_kaiming(self)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) -> the same shape."""
        maps = haar(F.pad(x, (1, 0, 1, 0)))
        gates = [g(m) for g, m in zip(self.gates, maps, strict=True)]
        return torch.relu(x + self.post(x * sum(gates)))


class DirectionAwareBlock(nn.Module):
    """Multi-scale direction-aware block (MSDA)."""

    def __init__(self, channels: int):
        super().__init__()
        self.main = nn.Sequential(
            ScaleBranches(channels, cells=(1, 3, 5)),
            DirectionAttention(channels),
            SqueezeExcite(channels),
            conv_bn_relu(channels, channels, 3),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) -> the same shape."""
        return torch.relu(x + self.main(x))
