"""What all classical methods share: image in, score map in [0, 1] out."""

import warnings
from collections.abc import Callable
from functools import wraps

import numpy as np

# A raw map whose range is below this is flat: what is left of a constant
# image is rounding (measured: 1e-13), and one gray level is 1.
FLAT = 255e-6


def as_gray(image: np.ndarray) -> np.ndarray:
    """Bring (H, W) uint8, uint16 or floating point in 0..255 to float64.

    Raises:
        TypeError: It is no array of one of these types.
        ValueError: It is not two-dimensional, is empty or is not finite.
    """
    if not isinstance(image, np.ndarray):
        raise TypeError(
            f'image must be a numpy array, got {type(image).__name__}'
        )
    if image.ndim != 2 or image.size == 0:
        raise ValueError(
            f'image must be (H, W), one gray channel, got {image.shape}; '
            'convert color with cv2.cvtColor'
        )
    if image.dtype == np.uint16:
        return image / 257
    if image.dtype != np.uint8 and image.dtype.kind != 'f':
        raise TypeError(
            f'image must be uint8, uint16 or floating point, got '
            f'{image.dtype}; convert it with image.astype(float)'
        )
    gray = image.astype(np.float64)
    if not np.isfinite(gray).all():
        raise ValueError(
            'image holds NaN or infinite values; replace them first'
        )
    # no errors: frames and tiles of a dark sky may have no gray level above 1,
    # and interpolation overshoots 255
    low, high = gray.min(), gray.max()
    if image.dtype.kind == 'f' and (low < high <= 1 or high >= 256):
        advice = (
            'if it is scaled to [0, 1], give image * 255'
            if high <= 1
            else 'give (image - black) / (white - black) * 255'
        )
        warnings.warn(
            f'the image is floating point in {low:.3g}..{high:.3g}, but '
            f'methods take gray levels in 0..255: {advice}',
            stacklevel=3,
        )
    return gray


def to_probability(raw: np.ndarray) -> np.ndarray:
    """Scale a raw map (H, W) to float32 in [0, 1] by its minimum and maximum.

    Negative values and those that are not finite (0 / 0 in ratios) count as
    0; a flat map is all zero.
    """
    raw = np.nan_to_num(raw, nan=0.0, posinf=0.0, neginf=0.0).clip(0)
    low, high = raw.min(), raw.max()
    if high - low < FLAT:
        return np.zeros(raw.shape, np.float32)
    return ((raw - low) / (high - low)).astype(np.float32)


def score_map(method: Callable) -> Callable:
    """Turn a function of raw maps into one of score maps.

    `method` takes a float64 image (H, W) in 0..255, which is not constant,
    and parameters; it returns a raw map (H, W). The result takes an image as
    :func:`as_gray` does.
    """

    @wraps(method)
    def scaled(image: np.ndarray, *args, **kwargs) -> np.ndarray:
        image = as_gray(image)
        if image.min() == image.max():
            return np.zeros(image.shape, np.float32)
        raw = np.asarray(method(image, *args, **kwargs), np.float64)
        return to_probability(raw)

    return scaled
