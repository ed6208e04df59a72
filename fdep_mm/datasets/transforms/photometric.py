"""Brightness, contrast and noise of float images in 0..255."""

import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness

from fdep_mm.registry import TRANSFORMS

from .base import ShowsArguments


@TRANSFORMS.register_module()
class RandomBrightnessContrast(ShowsArguments, BaseTransform):
    """``img * (1 + c) + 255 * b``, clipped to 0..255.

    Args:
        brightness (float): b is uniform in -brightness..brightness.
        contrast (float): c is uniform in -contrast..contrast.
    """

    def __init__(self, brightness: float = 0.0, contrast: float = 0.0):
        self.brightness = brightness
        self.contrast = contrast

    @cache_randomness
    def gain_and_offset(self) -> tuple[float, float]:
        """Draw the gain (around 1) and the offset (gray values)."""
        gain = 1 + np.random.uniform(-self.contrast, self.contrast)
        offset = 255 * np.random.uniform(-self.brightness, self.brightness)
        return gain, offset

    def transform(self, results: dict) -> dict:
        """Change ``img``, float32 (H, W, 3) in 0..255."""
        gain, offset = self.gain_and_offset()
        img = results['img'].astype(np.float32) * np.float32(gain)
        results['img'] = np.clip(img + np.float32(offset), 0, 255)
        return results


@TRANSFORMS.register_module()
class RandomGaussianNoise(ShowsArguments, BaseTransform):
    """Add white noise and clip to 0..255.

    Args:
        variance (tuple[float, float]): Range of the noise's variance in
            squared gray values.
        per_channel (bool): Draw each channel by itself, as the PAL framework
            does. With one field for all, gray stays gray.
    """

    def __init__(
        self,
        variance: tuple[float, float] = (10, 50),
        per_channel: bool = False,
    ) -> None:
        if np.size(variance) != 2 or not 0 <= variance[0] <= variance[1]:
            text = 'give 0 <= smallest <= largest'
            raise ValueError(f'variance={variance!r}: {text}')
        self.variance = tuple(variance)
        self.per_channel = per_channel

    @cache_randomness
    def noise(self, shape: tuple[int, int, int]) -> np.ndarray:
        """Draw the noise, float32 (H, W, 1 or C) in gray values."""
        std = np.sqrt(np.random.uniform(*self.variance))
        channels = shape[2] if self.per_channel else 1
        noise = np.random.normal(0, std, (*shape[:2], channels))
        return noise.astype(np.float32)

    def transform(self, results: dict) -> dict:
        """Change ``img``, float32 (H, W, 3) in 0..255."""
        img = results['img'].astype(np.float32)
        results['img'] = np.clip(img + self.noise(img.shape), 0, 255)
        return results
