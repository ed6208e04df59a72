"""Classical methods as a backend of the inferencer: no weights.

torch is needed on GPUs only.
"""

import inspect

import numpy as np

from fdep_mm.models.classical import METHODS


class ClassicalBackend:
    """A classical method by its name; see :class:`.backend.Backend`.

    Maps are scaled to [0, 1] image by image, so that every image has a
    maximum of 1: the best of `threshold` depends on the method, and an image
    without a target has a false alarm. Tiles of a large frame are scaled one
    by one too; raise the inferencer's `tile_above` to search it whole.

    Args:
        method (str): A name in :data:`fdep_mm.models.classical.METHODS`.
        params (dict, optional): Parameters that are not its defaults.
        threshold (float): Defaults to 0.5.
        device (str, optional): torch's name of a device, such as 'cuda:0',
            to work on where the method can, see :class:`.ClassicalSegmentor`;
            'cpu:0' is torch on the CPU. Defaults to None: numpy, as 'cpu'.

    Raises:
        ValueError: There is no such method, or no such device.
        ImportError: torch is needed and not installed.
    """

    task = 'segmentation'
    stride = 1
    max_value = None
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
        self.device = None if device == 'cpu' else device
        self._filter = None
        if self.device is not None:
            self._use(method, self.device)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Score images.

        Args:
            images (np.ndarray): (N, H, W, 3) float32 in 0..255, grey in three
                equal channels.

        Returns:
            np.ndarray: (N, H, W) float32 in [0, 1].
        """
        greys = np.ascontiguousarray(images[..., 0])
        if self._filter is not None:
            import torch

            batch = torch.as_tensor(greys, device=self.device).float()
            return self._filter(batch[:, None], **self.params)[:, 0].numpy(
                force=True
            )
        return np.stack([self.method(i, **self.params) for i in greys])

    def _use(self, method: str, device: str) -> None:
        """Work on a device as far as the method can."""
        try:
            import torch

            from fdep_mm.models.classical.torch_filters import find_filter
        except ModuleNotFoundError as error:
            raise ImportError(
                f'device={device!r} needs PyTorch ({error}): install it, or '
                'leave the device out',
                name=error.name,
            ) from error
        try:
            torch.empty(0, device=device)
        except (RuntimeError, AssertionError) as error:
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise ValueError(
                f'device={device!r}: {reason[:200]}; use cpu'
            ) from error
        self._filter = find_filter(method, self.params)
        if 'device' in inspect.signature(self.method).parameters:
            self.params.setdefault('device', device)
