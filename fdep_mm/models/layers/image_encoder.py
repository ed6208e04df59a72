"""Base class of this package's encoders."""

from mmengine.model import BaseModule
from torch import Tensor


class ImageEncoder(BaseModule):
    """An encoder that says which images it takes.

    Args:
        in_channels (int): Channels of the image that the first layer takes.
            With 1, the three equal channels of a gray image become one.
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.in_channels = in_channels

    def prepare(self, x: Tensor, divisor: int) -> Tensor:
        """(B, C, H, W) -> (B, in_channels, H, W).

        Raises:
            ValueError: If height or width is no multiple of `divisor`, or the
                number of channels does not fit.
        """
        name = type(self).__name__
        height, width = x.shape[-2:]
        if height % divisor or width % divisor:
            raise ValueError(
                f'{name} needs height and width that are multiples of '
                f'{divisor}, got {int(height)}x{int(width)}. Pad the images: '
                f'set size_divisor={divisor} in data_preprocessor.test_cfg, '
                f'and a crop_size that is a multiple of {divisor}.'
            )
        if x.shape[1] == self.in_channels:
            return x
        if self.in_channels != 1:
            raise ValueError(
                f'{name} has in_channels={self.in_channels}, got images of '
                f'{x.shape[1]} channels. Set model.backbone.in_channels'
            )
        return x.mean(1, keepdim=True)
