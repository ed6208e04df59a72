"""What runs a network: the contract between the inferencer and a runtime.

:class:`.torch_backend.TorchBackend` and :class:`.onnx_backend.OnnxBackend`
keep it. Importing this module needs neither torch nor MMEngine.
"""

from os import PathLike
from pathlib import Path
from typing import Protocol

import numpy as np

NOT_FINITE = (
    'the network gave NaN or infinity: its weights diverged in training, or '
    '16-bit numbers overflowed'
)


class Backend(Protocol):
    """A network that takes images and gives probabilities or boxes.

    What the inferencer relies on:

    * It reads files and brings arrays to 0..255 itself, by
      :func:`fdep_mm.image.decode_pages` and :func:`fdep_mm.image.to_float`
      with the backend's `max_value` and `grey`; a backend never reads files.
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
        max_value (float, optional): Value of a file that becomes 255, None
            for the full range of the file type: `LoadInfraredImage`'s.
        grey (bool): Colour becomes three equal channels of luminance:
            `LoadInfraredImage`'s.
    """

    task: str
    stride: int
    threshold: float
    max_value: float | None
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


def open_backend(
    model: str | PathLike | dict | Backend | None,
    weights: str | PathLike | None = None,
    device: str | None = None,
) -> Backend:
    """Open a network for inference.

    Args:
        model (str | PathLike | dict | Backend, optional): An ONNX file that
            ``export_onnx.py`` wrote; or a config or its path; or the name of
            a classical method, such as 'mpcm'; or a backend, which is
            returned as it is. None takes the config stored in `weights`.
        weights (str | PathLike, optional): Checkpoint of a config.
        device (str, optional): Such as 'cpu' or 'cuda:0'. Defaults to None:
            what PyTorch finds available, and the CPU for an ONNX file or a
            classical method.

    Returns:
        Backend: The network.

    Raises:
        FileNotFoundError: A file does not exist.
        ValueError: The files are not what they should be.
        ImportError: A config is given, and PyTorch is not installed.
    """
    if model is None and weights is None:
        raise ValueError(
            'neither model nor weights are given: name an ONNX file, or a '
            'config and its checkpoint'
        )
    if isinstance(model, str) and model.isidentifier() and weights is None:
        from .classical_backend import ClassicalBackend

        return ClassicalBackend(model, device=device)
    for kind, path in (('model', model), ('weights', weights)):
        if isinstance(path, (str, PathLike)) and not Path(path).is_file():
            raise FileNotFoundError(f'{kind} {str(path)!r}: no such file')
    is_path = isinstance(model, (str, PathLike))
    if is_path and Path(model).suffix.lower() == '.onnx':
        if weights is not None:
            raise ValueError(
                f'weights={str(weights)!r}: the ONNX file {str(model)!r} '
                'holds its weights; leave them out'
            )
        from .onnx_backend import OnnxBackend

        return OnnxBackend(model, device or 'cpu')
    if model is not None and hasattr(model, 'task'):
        return model
    try:
        from .torch_backend import TorchBackend
    except ModuleNotFoundError as error:
        raise ImportError(
            f'a config needs PyTorch and the OpenMMLab packages '
            f'({error}): install them, or name an ONNX file',
            name=error.name,
        ) from error
    return TorchBackend(model, weights, device)
