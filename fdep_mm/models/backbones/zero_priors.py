"""A control for FDEP: what the second branch does without any prior."""

import torch
from torch import Tensor

from fdep_mm.priors.geometry import map_shapes
from fdep_mm.registry import MODELS

from .frozen_vfm import FrozenVFM


@MODELS.register_module()
class ZeroPriors(FrozenVFM):
    """Zeros of the shapes that :class:`FrozenVFM` would give.

    Its arguments are the same; no weights are loaded and nothing is computed.
    Priors that come with the batch are not used.
    """

    def init_weights(self) -> None:
        """There are none."""

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """Zeros (B, channels[i], h, w) for each of ``out_indices``."""
        shapes = map_shapes(
            tuple(pixels.shape[-2:]), self.strides, self.input_scale
        )
        return tuple(
            pixels.new_zeros(
                (len(pixels), channels, *shape), dtype=torch.float
            )
            for channels, shape in zip(self.channels, shapes, strict=True)
        )
