"""Channel and spatial gates in the form of CBAM (ECCV 2018)."""

import torch
from torch import Tensor, nn


class ChannelGate(nn.Module):
    """One weight per channel, from the averages and the maxima over a map.

    Both pooled vectors go through the same two convolutions without bias,
    with ``channels // reduction`` channels between them.
    """

    def __init__(self, channels: int, reduction: int):
        super().__init__()
        mid = channels // reduction
        self.layers = nn.Sequential(
            nn.Conv2d(channels, mid, 1, bias=False),
            nn.ReLU(inplace=True),
            nn.Conv2d(mid, channels, 1, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) -> (B, channels, 1, 1), values in (0, 1)."""
        mean = self.layers(x.mean((2, 3), keepdim=True))
        peak = self.layers(x.amax((2, 3), keepdim=True))
        return torch.sigmoid(mean + peak)


class SpatialGate(nn.Module):
    """One weight per pixel, from the mean and the maximum over channels.

    `kernel_size` is odd, in px.
    """

    def __init__(self, kernel_size: int, bias: bool = False):
        super().__init__()
        self.conv = nn.Conv2d(
            2, 1, kernel_size, padding=kernel_size // 2, bias=bias
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, 1, H, W), values in (0, 1)."""
        mean = x.mean(1, keepdim=True)
        peak = x.amax(1, keepdim=True)
        return torch.sigmoid(self.conv(torch.cat([mean, peak], 1)))
