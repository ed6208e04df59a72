"""Which values of an infrared image are black and white.

A gray range is ``'dtype'``, the range of 8 or 16 bits; ``'minmax'``, that of
each image; ``('percentile', p, q)``, of its values; or ``(low, high)``. NumPy
and OpenCV only, see :mod:`.image`.
"""

import warnings
from collections.abc import Sequence
from numbers import Real

import cv2
import numpy as np

GrayRange = str | Sequence[str | float]
Limits = tuple[float, float]


class NotFiniteError(ValueError):
    """Pixels are NaN or infinite."""


def check_gray_range(value: GrayRange) -> GrayRange:
    """Check what a config or a command line says; lists become tuples."""
    given = value
    try:
        value = (value,) if isinstance(value, str) else tuple(value)
        if value in (('dtype',), ('minmax',)):
            return value[0]
        *mode, low, high = value
        good = isinstance(low, Real) and isinstance(high, Real) and low < high
        if mode == ['percentile']:
            good = good and 0 <= low and high <= 100
        elif mode:
            good = False
        value = (*mode, float(low), float(high))  # NumPy's are no JSON
    except (TypeError, ValueError, OverflowError):  # no sequence, not enough
        good = False
    if not good:
        raise ValueError(
            f"gray_range={given!r}: give 'dtype', 'minmax', two values "
            '(black, white), or (percentile, P, Q) with 0 <= P < Q <= 100'
        )
    return value


def gray_limits(
    image: np.ndarray, gray_range: GrayRange = 'dtype', name: str = 'image'
) -> Limits:
    """Find the values that become black and white.

    Warns, once, where the image's own values are far from them.

    Args:
        image (np.ndarray): (H, W) or (H, W, C), integers or floats; a fourth
            channel (alpha) does not count.
        gray_range (GrayRange): As :func:`check_gray_range` returns it.
        name (str): What messages call it.

    Raises:
        ValueError: Pixels are neither 8- nor 16-bit and the range is not
            given.
        NotFiniteError: They are NaN or infinite.
    """
    values = image[..., :3] if image.ndim == 3 else image
    if gray_range == 'dtype':
        if image.dtype not in (np.uint8, np.uint16):
            raise ValueError(
                f'{name}: pixels are {image.dtype}, not 8- or 16-bit '
                'integers; set gray_range (infer.py: --gray-range), or '
                'convert it'
            )
        low, high = 0, np.iinfo(image.dtype).max
    elif gray_range == 'minmax':
        low, high = values.min(), values.max()
    elif gray_range[0] == 'percentile':
        low, high = np.percentile(values, gray_range[1:])
    else:
        low, high = gray_range
    if not np.isfinite(values.sum(dtype=float)):
        raise NotFiniteError(
            f'{name}: pixels are NaN or infinite. Replace them'
        )
    if not _told and (image.dtype != np.uint8 or gray_range != 'dtype'):
        _compare(values, low, high, name)
    return float(low), float(high)


_told: set[str] = set()  # a warning for each image would hide the first


def warn_again() -> None:
    """Let the next run warn of its images, too."""
    _told.clear()


def _compare(values: np.ndarray, low: float, high: float, name: str) -> None:
    least, most = usual_limits(values)
    # such a wide range is a guess; a narrow one is meant
    wide = high > 255 if values.dtype == np.uint8 else high - low > 2**13
    narrow = 0 < most - least < (high - low) / (4 if wide else 32)
    clipped = np.mean((values < low) | (values > high)) > 0.5
    if least < most and (narrow or clipped):
        _told.add(name)
        warnings.warn(
            f'{name}: apart from single pixels, values are {least:g} to '
            f'{most:g}, while {low:g} becomes black and {high:g} white. If '
            'all images are like it, and targets have several pixels, set '
            f'gray_range=({least:g}, {most:g}) (LoadInfraredImage, '
            f'SIRSTInferencer; infer.py: --gray-range {least:g} {most:g})',
            stacklevel=3,
        )


def usual_limits(values: np.ndarray) -> Limits:
    """Least and most of two neighbors: single pixels may be dead or hot.

    `values` is an image (H, W) or (H, W, C).
    """
    pairs = (values[1:], values[:-1]), (values[:, 1:], values[:, :-1])
    first, last = values.min(), values.max()
    least = min(np.maximum(*pair).min(initial=last) for pair in pairs)
    most = max(np.minimum(*pair).max(initial=first) for pair in pairs)
    return float(least), float(most)


def to_float(
    image: np.ndarray, limits: Limits, gray: bool = True
) -> np.ndarray:
    """Bring an image to (H, W, 3) float32 in 0..255.

    Args:
        image (np.ndarray): (H, W) or (H, W, C), BGR; alpha is dropped.
        limits (tuple[float, float]): Values that become 0 and 255.
        gray (bool): Turn color into luminance.
    """
    if image.ndim == 3:  # OpenCV decodes gray with alpha to four channels
        image = image[..., :3]
        if gray:
            if image.dtype not in (np.uint8, np.uint16):
                image = image.astype(np.float32)
            image = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    low, high = limits
    image = image.astype(np.float32)
    if low:
        image -= np.float32(low)
    image *= np.float32(255 / max(high - low, 1e-12))
    np.clip(image, 0, 255, out=image)
    if image.ndim == 2:  # planes, as networks take them: 5 times as fast
        image = np.repeat(image[None], 3, axis=0).transpose(1, 2, 0)
    return image
