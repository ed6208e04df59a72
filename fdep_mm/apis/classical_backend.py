"""Classical methods as a backend of the inferencer: no weights, no torch."""

import numpy as np

from fdep_mm.models.classical import METHODS


class ClassicalBackend:
    """A classical method by its name; see :class:`.backend.Backend`.

    Maps are scaled to [0, 1] image by image, so that every image has a
    maximum of 1: the best of `threshold` depends on the method, and an image
    without a target has a false alarm. Tiles of a large frame are scaled one
    by one too; raise the inferencer's `tile_above` to search it whole.

    Raises:
        ValueError: There is no such method, or the device is another one.
    """

    task = 'segmentation'
    stride = 1
    gray_range = 'dtype'
    grey = True

    def __init__(
        self,
        method: str,
        params: dict | None = None,
        threshold: float = 0.5,
        device: str | None = None,
    ) -> None:
        if method not in METHODS:
            raise ValueError(
                f'method={method!r}: give one of {", ".join(METHODS)}'
            )
        self.method = METHODS[method]
        self.params = dict(params or {})
        self.threshold = threshold
        if device not in (None, 'cpu'):
            raise ValueError(
                f'device={device!r}: classical methods run on the CPU only'
            )

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Score images.

        Args:
            images (np.ndarray): (N, H, W, 3) float32 in 0..255, grey in three
                equal channels.

        Returns:
            np.ndarray: (N, H, W) float32 in [0, 1].
        """
        return np.stack(
            [self.method(image[..., 0], **self.params) for image in images]
        )
