"""Reading target masks."""

import io
from os import PathLike
from pathlib import Path

import numpy as np
from PIL import Image

from .image import unreadable


def read_mask(
    path: str | PathLike,
    threshold: float | None = None,
    backend_args: dict | None = None,
) -> np.ndarray:
    """Read a mask of values {0, 1} or {0, 255}.

    Gray, palette and color files with equal channels are accepted; alpha is
    dropped. A palette whose colors are black and white counts by color, any
    other by index.

    Args:
        path (str | PathLike): The file.
        threshold (float, optional): Take every value above it as target, for
            copies with antialiased or JPEG-compressed masks. Defaults to
            None: such files are an error.
        backend_args (dict, optional): File backend, see
            :func:`mmengine.fileio.get`. Defaults to None: a local file.

    Returns:
        np.ndarray: (H, W) uint8 {0, 1}.

    Raises:
        UnreadableFileError: The file cannot be read or decoded.
        ValueError: It holds other values, or colors.
    """
    values = _decode(str(path), backend_args)
    if threshold is None:
        _check_binary(values, path)
        threshold = 0
    return (values > threshold).astype(np.uint8)


def _decode(path: str, backend_args: dict | None) -> np.ndarray:
    try:
        with Image.open(io.BytesIO(_content(path, backend_args))) as image:
            values = np.array(image)
            if image.mode == 'P':
                colors = np.array(image.convert('RGB'))
                values = colors if _is_binary(colors) else values
    except (OSError, SyntaxError) as error:  # Pillow raises both
        raise unreadable(path, 'mask', error) from error
    values = values.reshape(*values.shape[:2], -1)
    if values.shape[-1] in (2, 4):
        values = values[..., :-1]
    if (values != values[..., :1]).any():
        raise ValueError(
            f'{path}: color mask whose channels differ. Store it as one '
            'channel of values {0, 1} or {0, 255}'
        )
    return values[..., 0]


def _content(path: str, backend_args: dict | None) -> bytes:
    if backend_args is None and '://' not in path:
        return Path(path).read_bytes()
    from mmengine import fileio  # not there where only ONNX files are run

    return fileio.get(path, backend_args=backend_args)


def _is_binary(values: np.ndarray) -> bool:
    white = values.max(initial=0)
    two = (values == 0) | (values == white)
    return bool(white in (0, 1, 255) and two.all())


def _check_binary(values: np.ndarray, path: str | PathLike) -> None:
    if _is_binary(values):
        return
    found = np.unique(values).tolist()
    more = f', ... ({len(found)} values)' if len(found) > 8 else ''
    raise ValueError(
        f'{path}: mask values must be {{0, 1}} or {{0, 255}}, found '
        f'{", ".join(map(str, found[:8]))}{more}. Fix the file, or set '
        'LoadSIRSTMask(threshold=127) if larger values mean target'
    )
