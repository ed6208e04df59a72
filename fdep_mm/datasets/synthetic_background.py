"""Infrared-like backgrounds and sensor effects, without targets.

Textures are Gaussian noise with a power-law spectrum ("1/f noise"), the
usual model of cloud and sea clutter. All values are gray levels (0..255)
as float32 (H, W).
"""

from functools import lru_cache

import cv2
import numpy as np
from scipy import fft

BACKGROUNDS = ('sky', 'cloud', 'sea', 'terrain', 'horizon')


@lru_cache(maxsize=16)
def _squared_frequency(height: int, width: int, aspect: float) -> np.ndarray:
    row = fft.fftfreq(height)[:, None]
    column = fft.rfftfreq(width)[None] * aspect
    squared = (row**2 + column**2).astype(np.float32)
    squared[0, 0] = np.inf  # no constant part
    return squared


def power_law_texture(
    rng: np.random.Generator,
    size: tuple[int, int],
    beta: float,
    aspect: float = 1.0,
) -> np.ndarray:
    """Draw a texture whose power falls with frequency as ``f ** -beta``.

    float32 of ``size`` (height, width), mean 0 and standard deviation 1.
    """
    squared = _squared_frequency(*size, float(aspect))
    spectrum = rng.standard_normal((*squared.shape, 2), dtype=np.float32)
    # a quarter: half for the square of f, half for power to amplitude
    spectrum *= (squared ** np.float32(-beta / 4))[..., None]
    texture = fft.irfft2(spectrum.view(np.complex64)[..., 0], s=size)
    return texture / texture.std()


def draw_background(
    rng: np.random.Generator, kind: str, size: tuple[int, int]
) -> np.ndarray:
    """Draw one of :data:`BACKGROUNDS`, (height, width) px in 0..255."""
    drawers = dict(
        sky=_sky, cloud=_cloud, sea=_sea, terrain=_terrain, horizon=_horizon
    )
    return np.clip(drawers[kind](rng, size), 0, 255)


def add_edges(
    rng: np.random.Generator, image: np.ndarray, number: int
) -> np.ndarray:
    """Add bright, blurred line segments such as cables and roof edges."""
    lines = np.zeros_like(image)
    for _ in range(number):
        start = rng.uniform(0, image.shape[::-1])
        angle = rng.uniform(0, 2 * np.pi)
        length = rng.uniform(0.1, 0.6) * max(image.shape)
        end = start + length * np.array([np.cos(angle), np.sin(angle)])
        ends = (point.astype(int).tolist() for point in (start, end))
        cv2.line(lines, *ends, rng.uniform(15, 80))
    return image + cv2.GaussianBlur(lines, (0, 0), 0.7)


def add_sensor_noise(
    rng: np.random.Generator,
    image: np.ndarray,
    std: float,
    num_hot_pixels: int,
) -> np.ndarray:
    """Add temporal noise, fixed row and column patterns and hot pixels.

    Half of the images get noise that is correlated over about two pixels,
    as resampled and compressed footage has. Each pattern has up to half of
    the standard deviation of the temporal noise.
    """
    noise = rng.standard_normal(image.shape, dtype=np.float32)
    if rng.random() < 0.5:
        noise = cv2.GaussianBlur(noise, (0, 0), 0.8)
        noise /= noise.std()
    height, width = image.shape
    rows = rng.standard_normal((height, 1), dtype=np.float32)
    columns = rng.standard_normal((1, width), dtype=np.float32)
    row_std, column_std = rng.uniform(0, 0.5, 2).astype(np.float32)
    noise += row_std * rows + column_std * columns
    noisy = image + np.float32(std) * noise
    y = rng.integers(0, height, num_hot_pixels)
    x = rng.integers(0, width, num_hot_pixels)
    noisy[y, x] += rng.uniform(20, 100, num_hot_pixels)
    return noisy


def _ramp(
    rng: np.random.Generator, size: tuple[int, int], strength: float
) -> np.ndarray:
    """Linear brightness gradient, mostly along y, -strength..strength."""
    y = np.linspace(-1, 1, size[0], dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, size[1], dtype=np.float32)[None]
    along_y, along_x = rng.uniform(-strength, strength, 2)
    return np.float32(along_y) * y + np.float32(along_x / 3) * x


def _blend(
    rng: np.random.Generator,
    size: tuple[int, int],
    level: tuple[float, float],
    strength: float,
    *layers: tuple[float, float, np.ndarray],
) -> np.ndarray:
    """A ramp of random level, and layers of random weights (low, high)."""
    image = rng.uniform(*level) + _ramp(rng, size, strength)
    for low, high, layer in layers:
        image = image + rng.uniform(low, high) * layer
    return image


def _sky(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    texture = power_law_texture(rng, size, rng.uniform(3.4, 4.4), 2)
    return _blend(rng, size, (40, 190), 35, (0.5, 10, texture))


def _cloud(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Banks of cloud: a thresholded texture, modulated by a finer one."""
    beta = rng.uniform(3.2, 4.2)
    cover = power_law_texture(rng, size, beta, rng.uniform(1, 2.5))
    sharpness = rng.uniform(0.7, 6)
    threshold = rng.uniform(-1, 1.3)
    bank = 1 / (1 + np.exp(-sharpness * (cover - threshold)))
    relief = 1 + 0.15 * power_law_texture(rng, size, beta - 0.4)
    sky = rng.uniform(10, 140) + _ramp(rng, size, 25)
    contrast = np.exp(rng.uniform(np.log(20), np.log(300)))
    return sky + np.float32(contrast) * bank * relief


def _sea(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    beta, aspect = rng.uniform(1.8, 2.8), rng.uniform(2.5, 7)
    waves = power_law_texture(rng, size, beta, aspect)
    swell = power_law_texture(rng, size, 3.6, 4)
    glint = np.maximum(waves - 1.5, 0)  # only the crests reflect
    layers = (1, 9, waves), (1, 12, swell), (0, 12, glint)
    return _blend(rng, size, (40, 160), 40, *layers)


def _terrain(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Ground of two materials with a rough texture."""
    texture = power_law_texture(rng, size, rng.uniform(2.2, 3))
    patches = power_law_texture(rng, size, 3.4, rng.uniform(1, 4))
    material = 1 / (1 + np.exp(-8 * (patches - rng.uniform(-1, 1))))
    layers = (3, 12, texture), (-80, 130, material)
    return _blend(rng, size, (40, 150), 25, *layers)


def _horizon(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Sky over sea, ground, or a skyline of buildings."""
    upper = _sky(rng, size) if rng.random() < 0.7 else _cloud(rng, size)
    lower_kind = rng.choice(['sea', 'terrain', 'buildings'])
    height, width = size
    line = np.full(width, rng.uniform(0.4, 0.85) * height)
    if lower_kind == 'terrain':
        ridge = power_law_texture(rng, (2, width), rng.uniform(1.6, 3))[0]
        line -= rng.uniform(0.01, 0.06) * height * ridge
    elif lower_kind == 'buildings':
        line -= _skyline(rng, size)
    lower = _sea(rng, size) if lower_kind == 'sea' else _terrain(rng, size)
    lower += rng.uniform(-80, 130)
    depth = np.arange(height, dtype=np.float32)[:, None] - line[None]
    ground = np.clip(depth / rng.uniform(1, 2.5) + 0.5, 0, 1)
    image = upper * (1 - ground) + lower * ground
    return image.astype(np.float32)


def _skyline(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Heights of adjoining buildings in px, (W,)."""
    number = int(rng.integers(2, 9))
    borders = np.sort(rng.integers(0, size[1], number))
    roofs = rng.uniform(0, 0.25, number + 1) * size[0]
    return roofs[np.searchsorted(borders, np.arange(size[1]), side='right')]
