"""Classical methods as a backend of the inferencer: no weights, no torch."""

import numpy as np

from fdep_mm.core.choices import check_choice
from fdep_mm.models.classical import METHODS


class ClassicalBackend:
    """A classical method by its name; see :class:`.backend.Backend`.

    The map of each image is scaled to a maximum of 1: the best threshold
    depends on the method, and an image without a target has a false alarm.
    Tiles of large frames are scaled one by one, too, unless `tile_above` is
    raised.

    Raises:
        ValueError: The method is unknown, or the device is not the CPU.
    """

    task = 'segmentation'
    stride = 1
    gray_range = 'dtype'
    gray = True
    threshold = 0.5

    def __init__(self, method: str, device: str | None = None) -> None:
        check_choice('method', method, METHODS)
        self.method = METHODS[method]
        if device not in (None, 'cpu'):
            raise ValueError(
                f'device={device!r}: classical methods run on the CPU only'
            )

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Score gray images (N, H, W, 3) in 0..255: (N, H, W) in [0, 1]."""
        return np.stack([self.method(image[..., 0]) for image in images])
