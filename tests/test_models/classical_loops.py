"""The filters among the classical methods, as their papers write them.

One window per pixel, one cell after the other: slow on purpose, to time
:mod:`fdep_mm.models.classical` against and to test it. Each takes a float
image (H, W) in 0..255 and returns the raw map.
"""

import numpy as np

SCALES = (3, 5, 7, 9)
# Cells clockwise: i and i + 4 are opposite.
AROUND = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))
LINES = ((0, 1), (1, -1), (1, 0), (1, 1))


def each_pixel(image: np.ndarray, function) -> np.ndarray:
    """Evaluate a function of (y, x) at all pixels."""
    out = np.empty(image.shape)
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            out[y, x] = function(y, x)
    return out


def cell(padded: np.ndarray, y: int, x: int, pad: int, size: int):
    """The pixels of a square cell around (y, x) of the unpadded image."""
    top, left = y + pad - size // 2, x + pad - size // 2
    return padded[top : top + size, left : left + size]


def cells_around(padded: np.ndarray, y: int, x: int, size: int) -> list:
    """The cell and its eight neighbors; centers stay inside the image."""
    pad = size // 2
    bottom, right = padded.shape[0] - size, padded.shape[1] - size
    centers = [(y, x)] + [(y + a * size, x + b * size) for a, b in AROUND]
    return [
        cell(padded, min(max(v, 0), bottom), min(max(u, 0), right), pad, size)
        for v, u in centers
    ]


def pad_for(image: np.ndarray, sizes=SCALES) -> dict[int, np.ndarray]:
    """The image with its border replicated, for cells of each size."""
    return {size: np.pad(image, size // 2, mode='edge') for size in sizes}


def tophat(image: np.ndarray, size: int = 5) -> np.ndarray:
    """Image minus opening; pixels outside the image do not count."""
    pad = size // 2
    low = np.pad(image, pad, constant_values=np.inf)
    eroded = each_pixel(image, lambda y, x: cell(low, y, x, pad, size).min())
    high = np.pad(eroded, pad, constant_values=-np.inf)
    return image - each_pixel(
        image, lambda y, x: cell(high, y, x, pad, size).max()
    )


def new_tophat(
    image: np.ndarray, outer: int = 9, inner: int = 4
) -> np.ndarray:
    """Image minus the erosion of the dilation by a ring."""
    size = 2 * outer + 1
    ring = np.ones((size, size), bool)
    hole = slice(outer - inner, outer + inner + 1)
    ring[hole, hole] = False
    high = np.pad(image, outer, mode='edge')
    dilated = each_pixel(
        image, lambda y, x: cell(high, y, x, outer, size)[ring].max()
    )
    low = np.pad(dilated, outer, mode='edge')
    eroded = each_pixel(image, lambda y, x: cell(low, y, x, outer, size).min())
    return image - np.minimum(image, eroded)


def _lines(image: np.ndarray, half: int, reduce) -> np.ndarray:
    padded = np.pad(image, half, mode='symmetric')
    steps = range(-half, half + 1)

    def background(y: int, x: int) -> float:
        y, x = y + half, x + half
        return max(
            reduce([padded[y + k * dy, x + k * dx] for k in steps])
            for dy, dx in LINES
        )

    return (image - each_pixel(image, background)).clip(0)


def max_median(image: np.ndarray, half: int = 2) -> np.ndarray:
    """Image minus the largest directional median."""
    return _lines(image, half, np.median)


def max_mean(image: np.ndarray, half: int = 2) -> np.ndarray:
    """Image minus the largest directional mean."""
    return _lines(image, half, np.mean)


def lcm(image: np.ndarray) -> np.ndarray:
    """Squared maximum of the cell over the mean of each neighbor."""
    padded = pad_for(image)

    def contrast(y: int, x: int, size: int) -> float:
        center, *others = cells_around(padded[size], y, x, size)
        return min(center.max() ** 2 / max(o.mean(), 1e-6) for o in others)

    return each_pixel(
        image, lambda y, x: max(contrast(y, x, size) for size in SCALES)
    )


def mpcm(image: np.ndarray) -> np.ndarray:
    """Least product of opposite differences."""
    padded = pad_for(image)

    def contrast(y: int, x: int, size: int) -> float:
        center, *others = cells_around(padded[size], y, x, size)
        diff = [center.mean() - other.mean() for other in others]
        return max(0, min(diff[i] * diff[i + 4] for i in range(4)))

    return each_pixel(
        image, lambda y, x: max(contrast(y, x, size) for size in SCALES)
    )


def wldm(image: np.ndarray, window: int = 9) -> np.ndarray:
    """Normalized local difference times weighted local entropy."""
    pad = window // 2
    padded = np.pad(image, pad, mode='edge')
    levels = np.pad(np.rint(image), 2, mode='symmetric')

    def measure(y: int, x: int) -> float:
        sizes = range(3, window + 1, 2)
        means = [cell(padded, y, x, pad, size).mean() for size in sizes]
        span = max(means) - min(means)
        if span < 1e-6:
            return 0.0
        difference = max((m - means[-1]) ** 2 for m in means) / span**2
        pixels = cell(levels, y, x, 2, 5)
        values, counts = np.unique(pixels, return_counts=True)
        p = counts / pixels.size
        weight = (values - pixels[2, 2]) ** 2
        return difference * float(-(weight * p * np.log2(p)).sum())

    return each_pixel(image, measure)


def rlcm(image: np.ndarray, size: int = 9) -> np.ndarray:
    """Relative contrast of means of the largest pixels."""
    padded = pad_for(image, (size,))[size]

    def contrast(y: int, x: int) -> float:
        center, *others = (
            np.sort(c, axis=None)[::-1]
            for c in cells_around(padded, y, x, size)
        )
        best = 0.0
        for inside, outside in ((2, 4), (5, 9), (9, 16)):
            t = center[:inside].mean()
            b = max(max(o[:outside].mean() for o in others), 1e-6)
            best = max(best, t / b * t - t)
        return best

    return each_pixel(image, contrast)


def tllcm(image: np.ndarray) -> np.ndarray:
    """Contrast of a smoothed core to the neighbors' nine largest pixels."""
    kernel = np.outer((1, 2, 1), (1, 2, 1)) / 16
    near = np.pad(image, 1, mode='edge')
    padded = pad_for(image)

    def contrast(y: int, x: int) -> float:
        core = (cell(near, y, x, 1, 3) * kernel).sum()
        best = 0.0
        for size in SCALES:
            _, *others = cells_around(padded[size], y, x, size)
            b = max(np.sort(o, axis=None)[-9:].mean() for o in others)
            best = max(best, (core / max(b, 1e-6) - 1) * core)
        return best

    return each_pixel(image, contrast)
