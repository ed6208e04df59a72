"""The filters among the classical methods in PyTorch, batched, for GPUs.

Same names, parameters, errors and maps (to float32 rounding) as the functions
of numpy arrays, whose files describe them. Each takes (N, 1, H, W) float32 in
0..255 and returns score maps (N, 1, H, W) in [0, 1].
"""

import inspect
from collections.abc import Callable, Sequence
from functools import partial, wraps

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d, max_pool2d, pad, unfold

from .cells import OFFSETS, check_odd
from .fkrw import search
from .lcm import check_lcm
from .max_median import DIRECTIONS, check_half
from .new_tophat import check_ring
from .rlcm import check_rlcm
from .score import FLAT, check_range
from .tllcm import CORE, check_tllcm
from .tophat import check_tophat
from .torch_walks import walk_at_once
from .wldm import check_wldm

FILTERS: dict[str, Callable] = {}
"""Name -> function ``f(images, **parameters)``."""


def find_filter(method: str, params: dict) -> Callable | None:
    """Look up the function that takes a method's place.

    Args:
        method (str): Its name.
        params (dict): Parameters that it is to take.

    Returns:
        Callable | None: One of `FILTERS`; None if the method has none, or
        none with these parameters.
    """
    found = FILTERS.get(method)
    if found and set(params) <= set(inspect.signature(found).parameters):
        return found
    return None


def _filter(method: Callable) -> Callable:
    """Scale the maps of a function to [0, 1], and list it."""

    @wraps(method)
    def scaled(images: Tensor, *args, **kwargs) -> Tensor:
        check_range(*map(float, images.aminmax()), stacklevel=3)
        raw = method(images, *args, **kwargs)
        raw = raw.nan_to_num(0, 0, 0).clip(0)
        low, high = (
            f(raw, dim=(1, 2, 3), keepdim=True)
            for f in (torch.amin, torch.amax)
        )
        flat = high - low < FLAT
        span = (high - low).masked_fill(flat, torch.inf)
        return (raw - low) / span

    FILTERS[method.__name__] = scaled
    return scaled


def _replicate(images: Tensor, width: int) -> Tensor:
    return pad(images, (width,) * 4, mode='replicate')


def _box_mean(images: Tensor, size: int) -> Tensor:
    return avg_pool2d(_replicate(images, size // 2), size, 1)


def _maximum(images: Tensor, size: int) -> Tensor:
    return max_pool2d(images, size, 1, size // 2)


def _neighbours(cells: Tensor, size: int) -> list[Tensor]:
    height, width = cells.shape[-2:]
    padded = _replicate(cells, size)
    return [
        padded[
            ...,
            (1 + a) * size : (1 + a) * size + height,
            (1 + b) * size : (1 + b) * size + width,
        ]
        for a, b in OFFSETS
    ]


def _max_neighbour(cells: Tensor, size: int) -> Tensor:
    return torch.stack(_neighbours(cells, size)).amax(0).clip(1e-6)


def _mirror(images: Tensor, width: int) -> Tensor:
    """Pad so that the border pixel is met twice."""
    for dim in (-2, -1):
        index = np.pad(np.arange(images.shape[dim]), width, mode='symmetric')
        index = torch.as_tensor(index, device=images.device)
        images = images.index_select(dim, index)
    return images


def _shifted(padded: Tensor, size: int, y: int, x: int) -> Tensor:
    """A view of padded images, `size` less in height and width."""
    height, width = padded.shape[-2] - size, padded.shape[-1] - size
    return padded[..., y : y + height, x : x + width]


@_filter
def tophat(images: Tensor, size: int = 5) -> Tensor:
    """See :func:`fdep_mm.models.classical.tophat`; squares only."""
    check_tophat(size)
    return images - _maximum(-_maximum(-images, size), size)


@_filter
def new_tophat(images: Tensor, outer: int = 9, inner: int = 4) -> Tensor:
    """See :func:`fdep_mm.models.classical.new_tophat`."""
    check_ring(outer, inner)
    height, width = images.shape[-2:]
    side, bar = 2 * outer + 1, outer - inner
    padded = _replicate(images, outer)
    flat = max_pool2d(padded, (bar, side), 1)
    upright = max_pool2d(padded, (side, bar), 1)
    far = outer + inner + 1
    ring = torch.stack(
        [
            flat[..., :height, :],
            flat[..., far : far + height, :],
            upright[..., :width],
            upright[..., far : far + width],
        ]
    ).amax(0)
    eroded = -max_pool2d(-_replicate(ring, outer), side, 1)
    return images - torch.minimum(images, eroded)


def _lines(images: Tensor, half: int) -> list[Tensor]:
    """For each direction the pixels of its line, stacked in front."""
    check_half(half)
    padded = _mirror(images, half)
    steps = range(-half, half + 1)
    return [
        torch.stack(
            [
                _shifted(padded, 2 * half, half + k * dy, half + k * dx)
                for k in steps
            ]
        )
        for dy, dx in DIRECTIONS
    ]


@_filter
def max_median(images: Tensor, half: int = 2) -> Tensor:
    """See :func:`fdep_mm.models.classical.max_median`."""
    lines = [line.median(0).values for line in _lines(images, half)]
    return images - torch.stack(lines).amax(0)


@_filter
def max_mean(images: Tensor, half: int = 2) -> Tensor:
    """See :func:`fdep_mm.models.classical.max_mean`."""
    lines = [line.mean(0) for line in _lines(images, half)]
    return images - torch.stack(lines).amax(0)


@_filter
def lcm(
    images: Tensor,
    scales: Sequence[int] = (3, 5, 7, 9),
    peak: str = 'dilate',
) -> Tensor:
    """See :func:`fdep_mm.models.classical.lcm`."""
    check_lcm(scales, peak)
    contrasts = []
    for size in scales:
        mean = _box_mean(images, size)
        cell = mean if peak == 'mean' else _maximum(images, size)
        value = cell * (images if peak == 'pixel' else cell)
        contrasts.append(value / _max_neighbour(mean, size))
    return torch.stack(contrasts).amax(0)


@_filter
def mpcm(
    images: Tensor,
    scales: Sequence[int] = (3, 5, 7, 9),
    bright_only: bool = False,
) -> Tensor:
    """See :func:`fdep_mm.models.classical.mpcm`."""
    check_odd('scales', *scales)
    contrasts = []
    for size in scales:
        mean = _box_mean(images, size)
        diff = mean - torch.stack(_neighbours(mean, size))
        if bright_only:
            diff = diff.clip(0)
        contrasts.append((diff[:4] * diff[4:]).amin(0))
    return torch.stack(contrasts).amax(0)


@_filter
def wldm(
    images: Tensor,
    window: int = 9,
    entropy_window: int = 5,
    normalise: bool = True,
) -> Tensor:
    """See :func:`fdep_mm.models.classical.wldm`."""
    check_wldm(window, entropy_window)
    # double: differences of nearly equal means are divided by one another
    means = torch.stack(
        [_box_mean(images.double(), k) for k in range(3, window + 1, 2)]
    )
    difference = ((means - means[-1]) ** 2).amax(0)
    if normalise:
        span = (means.amax(0) - means.amin(0)) ** 2
        difference = (difference / span).where(span > 1e-12, 0)
    levels = images.round().clip(0, 255)
    padded = _mirror(levels, entropy_window // 2)
    side = range(entropy_window)
    size = entropy_window - 1
    pixels = torch.stack(
        [_shifted(padded, size, y, x) for y in side for x in side]
    )
    count = torch.zeros_like(pixels)
    for pixel in pixels:
        count += pixels == pixel
    weight = torch.log2(len(pixels) / count) / len(pixels)
    entropy = ((pixels - levels) ** 2 * weight).sum(0)
    return (difference * entropy).float()


def _top_means(images: Tensor, size: int, counts: Sequence[int]) -> list:
    """Means of the largest pixels of each cell."""
    cells = unfold(_replicate(images, size // 2), size)
    top = cells.topk(max(counts), dim=1).values.cumsum(1)
    return [(top[:, k - 1] / k).reshape(images.shape) for k in counts]


@_filter
def rlcm(
    images: Tensor,
    size: int = 9,
    counts: Sequence[tuple[int, int]] = ((2, 4), (5, 9), (9, 16)),
    peak: str = 'cell',
) -> Tensor:
    """See :func:`fdep_mm.models.classical.rlcm`."""
    numbers = check_rlcm(size, counts, peak)
    means = dict(zip(numbers, _top_means(images, size, numbers), strict=True))
    contrasts = []
    for inside, outside in counts:
        cell = means[inside]
        factor = images if peak == 'pixel' else cell
        ratio = cell / _max_neighbour(means[outside], size)
        contrasts.append((ratio - 1) * factor)
    return torch.stack(contrasts).amax(0)


@_filter
def tllcm(
    images: Tensor, scales: Sequence[int] = (3, 5, 7, 9), count: int = 9
) -> Tensor:
    """See :func:`fdep_mm.models.classical.tllcm`."""
    check_tllcm(scales, count)
    kernel = torch.as_tensor(CORE, device=images.device)[None, None]
    core = conv2d(_replicate(images, 1), kernel)
    contrasts = []
    for size in scales:
        (means,) = _top_means(images, size, (count,))
        contrasts.append((core / _max_neighbour(means, size) - 1) * core)
    return torch.stack(contrasts).amax(0)


@_filter
def fkrw(
    images: Tensor,
    k: float = 4.0,
    beta: float = 200.0,
    power: float = 6.0,
    eps: float = 1e-5,
) -> Tensor:
    """See :func:`fdep_mm.models.classical.fkrw`; only its walks are here."""
    walk = partial(walk_at_once, beta=beta, eps=eps, device=images.device)
    maps = [
        search(grey, k, power, walk) if np.ptp(grey) else 0 * grey
        for grey in images[:, 0].double().numpy(force=True)
    ]
    return torch.from_numpy(np.stack(maps)).to(images)[:, None]
