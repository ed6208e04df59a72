"""Point-like and small extended targets with exact masks."""

from typing import NamedTuple

import numpy as np

MASK_LEVEL = 0.35
BACKGROUND_MARGIN = 10  # px
GAP = 3  # between two masks, px
MAX_ATTEMPTS = 50


class Blob(NamedTuple):
    """One target's signal, 1 at the center, on its own small window."""

    window: tuple[slice, slice]
    signal: np.ndarray
    mask: np.ndarray


def draw_target(
    rng: np.random.Generator,
    size: tuple[int, int],
    target_size: tuple[float, float],
) -> Blob:
    """Draw an elliptical blob at a random place, wholly inside the image.

    The signal is ``MASK_LEVEL ** (r ** p)`` with r the elliptical radius:
    r = 1 is the border of the mask, p = 2 a Gaussian (a blurred point), p up
    to 4 a small extended source. NUAA-SIRST's hand-drawn masks hold about
    1.5 times the pixels above half of the peak; a Gaussian's mask at 0.35 of
    the peak does the same. ``target_size`` is the range of the mask's long
    diameter, px; the short one is at least half of it, and at least 2.
    """
    long = rng.uniform(*target_size)
    short = max(2.0, long * rng.uniform(0.5, 1))
    border = long / 2 + 1
    center = [rng.uniform(border, extent - 1 - border) for extent in size]
    window = tuple(
        slice(max(int(c - 1.5 * long), 0), int(c + 1.5 * long) + 2)
        for c in center
    )
    y, x = np.ogrid[: size[0], : size[1]]
    y, x = y[window[0]] - center[0], x[:, window[1]] - center[1]
    angle = rng.uniform(0, np.pi)
    along = (x * np.cos(angle) + y * np.sin(angle)) / (long / 2)
    across = (y * np.cos(angle) - x * np.sin(angle)) / (short / 2)
    radius = np.hypot(along, across)
    signal = MASK_LEVEL ** (radius ** rng.uniform(2, 4))
    return Blob(window, signal.astype(np.float32), signal > MASK_LEVEL)


def add_targets(
    rng: np.random.Generator,
    image: np.ndarray,
    number: int,
    target_size: tuple[float, float],
    scr: tuple[float, float],
) -> tuple[np.ndarray, np.ndarray]:
    """Add targets of a given signal-to-clutter ratio.

    SCR = (mean over the target's mask - mean of the local background)
    / standard deviation of the local background, which is the window that
    reaches ``BACKGROUND_MARGIN`` px beyond the mask on every side, without the
    mask, before targets are added. At least 3 px lie between two masks. In a
    crowded small image, targets that find no place are left out.

    Takes a background with noise, float32 (H, W), and the ranges of diameters,
    px, and ratios. Returns the image, and the mask, uint8 (H, W) {0, 1}.
    """
    scene = image.copy()
    mask = np.zeros(image.shape, np.uint8)
    for _ in range(number):
        for attempt in range(MAX_ATTEMPTS):
            target = draw_target(rng, image.shape, target_size)
            wanted = np.exp(rng.uniform(*np.log(scr)))
            peak = _peak(image, target, wanted)
            brightest = peak + image[target.window].max()
            near = _reach(image.shape, target, GAP)
            # Overflow is avoided first and accepted in bright scenes.
            fits = brightest < 255 or attempt >= MAX_ATTEMPTS // 2
            if peak > 0 and fits and not mask[near].any():
                scene[target.window] += peak * target.signal
                mask[target.window] |= target.mask.astype(np.uint8)
                break
    return scene, mask


def _peak(image: np.ndarray, target: Blob, scr: float) -> float:
    """Peak signal that gives the SCR, or 0 where it would be faint."""
    reach = _reach(image.shape, target, BACKGROUND_MARGIN)
    own = np.zeros(image.shape, bool)
    own[target.window] = target.mask
    background = image[reach][~own[reach]]
    std = background.std()
    missing = scr * std + background.mean() - image[own].mean()
    # On a local bright spot the SCR needs little signal or none.
    if missing < 0.5 * scr * std:
        return 0.0
    return float(missing / target.signal[target.mask].mean())


def _reach(
    shape: tuple[int, int], target: Blob, margin: int
) -> tuple[slice, slice]:
    """Window that reaches `margin` px beyond the target's mask."""
    ends = []
    for places, part, size in zip(
        np.nonzero(target.mask), target.window, shape, strict=True
    ):
        first = part.start + places.min() - margin
        stop = part.start + places.max() + margin + 1
        ends.append(slice(max(first, 0), min(stop, size)))
    return tuple(ends)
