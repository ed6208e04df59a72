"""What all classical methods share: image in, score map in [0, 1] out."""

import warnings
from collections.abc import Callable
from functools import wraps

import numpy as np

# A raw map whose range is below this is flat: what is left of a constant
# image is rounding (measured: 1e-13), and one grey level is 1.
FLAT = 255e-6


def check_range(low: float, high: float, stacklevel: int) -> None:
    """Warn of a floating-point image that looks like one in [0, 1].

    No error: frames and tiles of a dark sky may have no grey level above 1.

    Warns:
        UserWarning: It is not constant, and its maximum is at most 1.
    """
    if low < high <= 1:
        warnings.warn(
            f'the image is floating point in {low:.3g}..{high:.3g}, but '
            'methods take grey levels in 0..255: if it is scaled to [0, 1], '
            'give image * 255',
            UserWarning,
            stacklevel=stacklevel,
        )


def as_grey(image: np.ndarray) -> np.ndarray:
    """Check an image and bring it to 0..255.

    Args:
        image (np.ndarray): (H, W), uint8, uint16 (divided by 257) or
            floating point in 0..255.

    Returns:
        np.ndarray: (H, W) float64.

    Raises:
        TypeError: If it is no array of one of these types.
        ValueError: If it is not two-dimensional, is empty or is not finite.

    Warns:
        UserWarning: See :func:`check_range`.
    """
    if not isinstance(image, np.ndarray):
        raise TypeError(
            f'image must be a numpy array, got {type(image).__name__}'
        )
    if image.ndim != 2 or image.size == 0:
        raise ValueError(
            f'image must be (H, W), one grey channel, got {image.shape}; '
            'convert colour with cv2.cvtColor'
        )
    if image.dtype == np.uint16:
        return image / 257
    if image.dtype != np.uint8 and image.dtype.kind != 'f':
        raise TypeError(
            f'image must be uint8, uint16 or floating point, got '
            f'{image.dtype}; convert it with image.astype(float)'
        )
    grey = image.astype(np.float64)
    if not np.isfinite(grey).all():
        raise ValueError(
            'image holds NaN or infinite values; replace them first'
        )
    if image.dtype.kind == 'f':
        check_range(grey.min(), grey.max(), stacklevel=5)
    return grey


def to_probability(raw: np.ndarray) -> np.ndarray:
    """Scale a raw map to [0, 1] by its own minimum and maximum.

    Args:
        raw (np.ndarray): (H, W), larger is more like a target. Values that
            are not finite (0 / 0 in ratios) and negative ones count as 0.

    Returns:
        np.ndarray: (H, W) float32; all zero if the raw map is flat.
    """
    raw = np.nan_to_num(raw, nan=0.0, posinf=0.0, neginf=0.0).clip(0)
    low, high = raw.min(), raw.max()
    if high - low < FLAT:
        return np.zeros(raw.shape, np.float32)
    return ((raw - low) / (high - low)).astype(np.float32)


def adaptive_threshold(score: np.ndarray, k: float) -> float:
    """Give the threshold that most of the papers segment with.

    Args:
        score (np.ndarray): (H, W), raw or scaled map.
        k (float): Between 3 and 15 in the papers.

    Returns:
        float: ``mean + k * std``.
    """
    return float(score.mean() + k * score.std())


def score_map(method: Callable) -> Callable:
    """Turn a function of raw maps into one of score maps.

    Args:
        method (Callable): Takes a float64 image (H, W) in 0..255, which is
            not constant, and parameters; returns a raw map (H, W).

    Returns:
        Callable: Takes an image as :func:`as_grey` does and the same
        parameters; returns a float32 map in [0, 1]. Its attribute `raw` is
        the same without the final scaling, in float64.
    """

    @wraps(method)
    def raw(image: np.ndarray, *args, **kwargs) -> np.ndarray:
        image = as_grey(image)
        if image.min() == image.max():
            return np.zeros(image.shape)
        return np.asarray(method(image, *args, **kwargs), np.float64)

    @wraps(method)
    def scaled(image: np.ndarray, *args, **kwargs) -> np.ndarray:
        return to_probability(raw(image, *args, **kwargs))

    scaled.raw = raw
    return scaled
