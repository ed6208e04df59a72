"""DNA-Net: Dense Nested Attention Network for Infrared Small Target Detection.

Li, Xiao, Wang, Wang, Lin, Li, An, Guo, TIP 2023, arXiv 2106.00487. Written
from the paper and from measurements of the widely used PyTorch code
(ResNet-18-like depth, widths 16 to 256); 4,696,888 parameters with 3 input
channels and deep supervision.

X(i, j) is the node of row i (stride 2^i) and column j. Column 0 ends with the
bottleneck X(4, 0). Six other nodes do not depend on it; they belong to the
encoder, so that CO-ISD computes them once. The head has the four that do, the
last of each row.

Differences from the paper:
    * PyTorch's default initialization, the paper's release used Xavier;
    * the side outputs are not computed in evaluation mode.
"""

from itertools import islice

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fdep_mm.registry import MODELS

from ..layers import (
    ChannelGate,
    ImageEncoder,
    SIRSTHead,
    SpatialGate,
    conv_bn,
)

WIDTHS = (16, 32, 64, 128, 256)  # channels of the rows
LENGTHS = (4, 3, 2, 1, 1)  # the encoder's nodes in each row


class AttentionBlock(nn.Module):
    """Residual block with channel, then spatial attention."""

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.main = nn.Sequential(
            *conv_bn(in_channels, out_channels, act=nn.ReLU(True)),
            *conv_bn(out_channels, out_channels),
        )
        self.channel_gate = ChannelGate(out_channels, reduction=16)
        self.spatial_gate = SpatialGate(7)
        if in_channels == out_channels:
            self.shortcut = nn.Identity()
        else:
            self.shortcut = conv_bn(in_channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> (B, out_channels, H, W)."""
        y = self.main(x)
        y = self.channel_gate(y) * y
        y = self.spatial_gate(y) * y
        return torch.relu(y + self.shortcut(x))


def build_node(row: int, in_channels: int) -> nn.Sequential:
    """A node: one block in row 0, two in the other rows."""
    width = WIDTHS[row]
    blocks = [AttentionBlock(in_channels, width)]
    if row > 0:
        blocks.append(AttentionBlock(width, width))
    return nn.Sequential(*blocks)


def build_nested(row: int, column: int) -> nn.Sequential:
    """A node behind column 0: it reads its row, the next and the last one."""
    above = WIDTHS[row - 1] if row > 0 else 0
    return build_node(row, column * WIDTHS[row] + WIDTHS[row + 1] + above)


def rescale(x: Tensor, factor: float) -> Tensor:
    """(B, C, H, W) -> (B, C, factor * H, factor * W), corners aligned."""
    return F.interpolate(
        x, scale_factor=factor, mode='bilinear', align_corners=True
    )


def grow(rows: list[list[Tensor]], row: int, node: nn.Module) -> None:
    """Append the next node to a row, from the newest of its neighbors."""
    parts = [*rows[row], rescale(rows[row + 1][-1], 2)]
    if row > 0:
        parts.append(rescale(rows[row - 1][-1], 0.5))
    rows[row].append(node(torch.cat(parts, 1)))


@MODELS.register_module()
class DNANetEncoder(ImageEncoder):
    """Encoder of DNA-Net: all nodes X(i, j) with i + j < 4, and X(4, 0).

    Args:
        in_channels (int): Channels of the image.
    """

    def __init__(self, in_channels: int = 3):
        super().__init__(in_channels)
        self.nodes = nn.ModuleList(
            build_node(row, channels)
            for row, channels in enumerate((in_channels, *WIDTHS[:-1]))
        )
        self.columns = nn.ModuleList(
            nn.ModuleList(
                build_nested(row, column) for row in range(4 - column)
            )
            for column in range(1, 4)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """(B, C, H, W) -> eleven nodes, row after row.

        Four (B, 16, H, W), three (B, 32, H/2, W/2), two (B, 64, H/4, W/4), one
        (B, 128, H/8, W/8), and the bottleneck (B, 256, H/16, W/16).
        """
        x = self.prepare(x, 16)
        rows = [[self.nodes[0](x)]]
        for node in self.nodes[1:]:
            rows.append([node(F.max_pool2d(rows[-1][0], 2))])
        for column in self.columns:
            for row, node in enumerate(column):
                grow(rows, row, node)
        return tuple(feat for row in rows for feat in row)


@MODELS.register_module()
class DNANetHead(SIRSTHead):
    """Decoder of DNA-Net: the last node of each row, then their fusion.

    Args:
        deep_supervision (bool): Whether training also supervises the nodes
            X(0, 1), X(0, 2) and X(0, 3).
        **kwargs: As in :class:`SIRSTHead`.
    """

    def __init__(self, deep_supervision: bool = True, **kwargs):
        channels = [
            width
            for width, length in zip(WIDTHS, LENGTHS, strict=True)
            for _ in range(length)
        ]
        super().__init__(in_channels=channels, **kwargs)
        width = WIDTHS[0]
        self.last = nn.ModuleList(
            build_nested(row, 4 - row) for row in range(4)
        )
        self.laterals = nn.ModuleList(
            nn.Conv2d(channels, width, 1) for channels in WIDTHS[1:]
        )
        self.fuse = AttentionBlock(5 * width, width)
        self.logits = nn.Conv2d(width, 1, 1)
        self.sides = nn.ModuleList(
            nn.Conv2d(width, 1, 1) for _ in range(3 * deep_supervision)
        )
        for conv in (self.logits, *self.sides):
            self.init_prior(conv)

    def forward(self, inputs: tuple[Tensor, ...]) -> Tensor | list[Tensor]:
        """Decode the encoder's eleven features to logits (B, 1, H, W).

        With deep supervision training gets a list: the final logits, then
        those of X(0, 1), X(0, 2) and X(0, 3).
        """
        feats = iter(self._transform_inputs(inputs))
        rows = [list(islice(feats, length)) for length in LENGTHS]
        for row in (3, 2, 1, 0):
            grow(rows, row, self.last[row])
        logits = self.logits(self._fuse_rows([row[-1] for row in rows]))
        if not self.training or not self.sides:
            return logits
        sides = zip(self.sides, rows[0][1:4], strict=True)
        return [logits, *(conv(feat) for conv, feat in sides)]

    def _fuse_rows(self, last: list[Tensor]) -> Tensor:
        """Last nodes of the rows, finest first -> (B, 16, H, W)."""
        pyramid = [
            rescale(conv(feat), 2 ** (row + 1))
            for row, (conv, feat) in enumerate(
                zip(self.laterals, last[1:], strict=True)
            )
        ]
        return self.fuse(torch.cat([*reversed(pyramid), last[0]], 1))
