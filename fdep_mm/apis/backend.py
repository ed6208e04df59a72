"""The contract between the inferencer and what runs a network."""

from typing import Protocol

import numpy as np

from fdep_mm.core.gray import GrayRange

NOT_FINITE = (
    'the network gave NaN or infinity: its weights diverged in training, or '
    '16-bit numbers overflowed'
)


class Backend(Protocol):
    """A network that takes images and gives probabilities or boxes.

    It never reads files: the inferencer decodes them, and brings pixels to
    0..255 by :mod:`fdep_mm.core.gray`. The backend normalizes, pads (right and
    bottom, to multiples of `stride`) and cuts the padding off again.

    Attributes:
        task (str): 'segmentation' or 'detection'.
        stride (int): Multiple that height and width are padded to, px. Tiles
            begin at multiples of it, so that the network pools the same pixels
            as in the whole image. 1 if it resizes images or does not pad them.
        threshold (float): Larger probabilities count unless the user says
            otherwise, or boxes of at least this score. A detector returns
            lower ones, too.
        gray_range (str | tuple): What becomes black and white, see
            :mod:`fdep_mm.core.gray`.
        gray (bool): Whether color becomes three equal channels of luminance.
    """

    task: str
    stride: int
    threshold: float
    gray_range: GrayRange
    gray: bool

    def __call__(self, images: np.ndarray) -> np.ndarray | list[np.ndarray]:
        """Run the network.

        Args:
            images (np.ndarray): (N, H, W, 3) float32 in 0..255, BGR.

        Returns:
            np.ndarray | list[np.ndarray]: Segmentation: (N, H, W) float32
            probabilities of target. Detection: N arrays (n, 5) float32 of
            x1, y1, x2, y2, score by falling score, inside the image, px; a
            box of the first pixel is 0, 0, 1, 1.

        Raises:
            ValueError, RuntimeError: The network cannot take images of this
                size, or gave NaN. The run goes on with other images.
        """
