"""What runs a network: the contract between the inferencer and a runtime.

:class:`.torch_backend.TorchBackend` and :class:`.onnx_backend.OnnxBackend`
keep it. Importing this module needs neither torch nor MMEngine.
"""

from typing import Protocol

import numpy as np

from fdep_mm.core.gray import GrayRange

NOT_FINITE = (
    'the network gave NaN or infinity: its weights diverged in training, or '
    '16-bit numbers overflowed'
)


class Backend(Protocol):
    """A network that takes images and gives probabilities or boxes.

    What the inferencer relies on:

    * It reads files and brings arrays to 0..255 itself, by `decode_pages` of
      :mod:`fdep_mm.core.image` and by :mod:`fdep_mm.core.gray`; a backend
      never reads files.
    * The backend normalises, **pads** (right and bottom, to multiples of
      `stride`, with the value the network was tested with) and cuts the
      padding off again. It takes images of any size.
    * `threshold` is only a default that the caller may replace; for detection
      a backend returns boxes below it too (all that its NMS keeps).

    Attributes:
        task (str): 'segmentation' or 'detection'.
        stride (int): Multiple that height and width are padded to, in px.
            Tiles begin at multiples of it, so that they are seen by the
            network as the whole image would be. 1 where nothing is padded or
            where images are resized first.
        threshold (float): Pixels with a larger probability, or boxes with at
            least this score, count.
        gray_range (str | tuple): What becomes black and white:
            `LoadInfraredImage`'s.
        grey (bool): Colour becomes three equal channels of luminance:
            `LoadInfraredImage`'s.
    """

    task: str
    stride: int
    threshold: float
    gray_range: GrayRange
    grey: bool

    def __call__(self, images: np.ndarray) -> np.ndarray | list[np.ndarray]:
        """Run the network.

        Args:
            images (np.ndarray): (N, H, W, 3) float32 in 0..255; BGR where the
                channels differ (grey images have three equal ones).

        Returns:
            np.ndarray | list[np.ndarray]: Segmentation: (N, H, W) float32
            probabilities of target. Detection: N arrays (n, 5) float32 of
            x1, y1, x2, y2, score, in px of the images given, inside them, by
            falling score; pixel edges, so that a box of one pixel in the
            corner is 0, 0, 1, 1.

        Raises:
            ValueError, RuntimeError: The network cannot take images of this
                size, or it gave NaN. Of the other images the run goes on.
        """
