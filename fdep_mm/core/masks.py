"""Reading target masks."""

import io
from os import PathLike
from pathlib import Path

import numpy as np

WAY_OUT = (
    'Fix the file, or set LoadSIRSTMask(threshold={}) if larger values mean '
    'target'
)


def read_mask(
    path: str | PathLike,
    threshold: float | None = None,
    backend_args: dict | None = None,
    shape: tuple[int, int] | None = None,
) -> np.ndarray:
    """Read a mask of values {0, 1} or {0, 255} as uint8 (H, W) {0, 1}.

    Gray, palette and color files with equal channels are accepted. The alpha
    channel counts only where the colors are the same everywhere. A palette of
    black and white counts by color, any other by index.

    Args:
        path (str | PathLike): The file.
        threshold (float, optional): Take every value above it as target, for
            copies with antialiased or JPEG-compressed masks. Default: such
            files are an error.
        backend_args (dict, optional): File backend, see
            :func:`mmengine.fileio.get`. Default: a local file.
        shape (tuple[int, int], optional): Height and width of its image, px.

    Raises:
        UnreadableFileError: The file cannot be read or decoded.
        ValueError: It holds other values, or colors, alpha shows another
            shape than they do, or its size is not the image's.
    """
    values = read_values(path, backend_args)
    if shape not in (None, values.shape):
        sides = '{1}x{0} px, its image {3}x{2}'.format(*values.shape, *shape)
        raise ValueError(f'{path}: is {sides}; replace one of them')
    if threshold is None:
        check_binary(values, str(path), WAY_OUT)
        threshold = 0
    top = 1
    if np.issubdtype(values.dtype, np.integer):
        top = np.iinfo(values.dtype).max
    if not 0 <= threshold < top:
        raise ValueError(
            f'{path}: threshold={threshold} makes all masks full or empty; '
            f'give one within 0..{top}'
        )
    return (values > threshold).astype(np.uint8)


def read_values(
    path: str | PathLike, backend_args: dict | None = None
) -> np.ndarray:
    """Read the values (H, W) of a mask as stored; see :func:`read_mask`."""
    path = str(path)
    # not at the top: scores of arrays need neither Pillow nor OpenCV
    from PIL import Image

    from .image import unreadable

    try:
        with Image.open(io.BytesIO(_content(path, backend_args))) as image:
            values = np.array(image)
            if image.mode == 'P':
                colors = np.array(image.convert('RGB'))
                # one color for all indices says nothing
                telling = np.ptp(colors) > 0 or np.ptp(values) == 0
                gray = (colors == colors[..., :1]).all()  # pure red is 0, 255
                if telling and gray and _is_binary(colors):
                    values = colors
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise unreadable(path, 'mask', error) from error
    values = values.reshape(*values.shape[:2], -1)
    if values.shape[-1] in (2, 4):
        values = _without_alpha(values[..., :-1], values[..., -1:], path)
    if (values != values[..., :1]).any():
        raise ValueError(
            f'{path}: color mask whose channels differ; store {{0, 1}} or '
            '{0, 255} in one'
        )
    return values[..., 0]


def _without_alpha(
    colors: np.ndarray, alpha: np.ndarray, path: str
) -> np.ndarray:
    if np.ptp(alpha) == 0:
        return colors
    if np.ptp(colors) == 0:  # one color, cut out
        return alpha
    if ((colors[..., :1] > 0) != (alpha > 0)).any():
        raise ValueError(
            f'{path}: color and alpha show different shapes; store {{0, 1}} '
            'or {0, 255} in one channel'
        )
    return colors


def _content(path: str, backend_args: dict | None) -> bytes:
    if backend_args is None and '://' not in path:
        return Path(path).read_bytes()
    from mmengine import fileio  # not there where only ONNX files are run

    return fileio.get(path, backend_args=backend_args)


def _is_binary(values: np.ndarray) -> bool:
    white = values.max(initial=0)
    two = (values == 0) | (values == white)
    return bool(white in (0, 1, 255) and two.all())


def check_binary(values: np.ndarray, name: str, way_out: str) -> None:
    """Refuse a mask (H, W) of other values than {0, 1} or {0, 255}.

    ``{}`` in the way out stands for a threshold that tells the largest value
    from the least.
    """
    if _is_binary(values):
        return
    found = np.unique(values)
    more = f', ... ({len(found)} values)' if len(found) > 8 else ''
    low = float(found[0]) if len(found) > 1 else 0
    middle = (low + float(found[-1])) / 2
    if np.issubdtype(found.dtype, np.integer):
        middle = int(middle)
    shown = ', '.join(map(str, found[:8].tolist()))
    raise ValueError(
        f'{name}: mask values must be {{0, 1}} or {{0, 255}}, got '
        f'{{{shown}{more}}}. {way_out.format(middle)}'
    )
