"""Reweighted infrared patch-tensor model (RIPT).

Dai, Wu, *Reweighted infrared patch-tensor model with both nonlocal and local
priors for single-frame small target detection*, IEEE JSTARS 10(8), 2017.

Differences from the public code: overlapping patches are averaged; there the
last one overwrites the others. h is its demo's 1, not the paper's 10.
"""

import numpy as np

from .low_rank import Decomposition, check_converged, iterations, shrink
from .patches import grid_for
from .score import score_map
from .structure import scale_to_unit, structure_tensor


@score_map
def ript(
    image: np.ndarray,
    patch: int = 30,
    stride: int = 10,
    lam: float = 0.7,
    h: float = 1.0,
    eps: float = 0.01,
    tol: float = 1e-7,
    max_iter: int = 500,
) -> np.ndarray:
    """Sparse part of the patch tensor, weighted against edges.

    Args:
        patch (int): Side of a patch, px.
        stride (int): px.
        lam (float): L; the weight of sparsity is ``L / sqrt(min(I, J, P))`` of
            the patch tensor.
        h (float): Exponent of the edge weight.
        eps (float): Of the reweighting, gray levels.
        tol (float): Relative residual of the stopping rule.
    """
    grid = grid_for(image.shape, patch, stride)
    larger, smaller = structure_tensor(image, 1.2, 2.0)
    edge = np.exp(h * scale_to_unit(larger - smaller))
    data, weight = (
        np.moveaxis(grid.split(i), 0, -1).copy() for i in (image, edge)
    )
    result = decompose(
        data, weight, lam * min(data.shape) ** -0.5, eps, tol, max_iter
    )
    target = check_converged('ript', result).target
    return grid.join(np.moveaxis(target, -1, 0))


def decompose(
    data: np.ndarray,
    edge: np.ndarray,
    lam: float,
    eps: float,
    tol: float,
    max_iter: int,
) -> Decomposition:
    """Minimize the nuclear norms of all unfoldings + lam |W T|_1, T >= 0.

    It also ends when the number of entries of T stays the same, the paper's
    additional condition.
    """
    size = np.linalg.norm(data)
    # an inverse penalty: it falls
    mu = 5 * np.linalg.norm(data - data.mean()) / np.prod(data.shape) ** 0.5
    sparse = 0 * data
    multipliers = [sparse] * 3
    weight, entries = edge, -1
    for iteration in iterations(max_iter):
        lows, total = [], 0 * data
        for mode, multiplier in enumerate(multipliers):
            corrected = data + mu * multiplier
            lows.append(_shrink_mode(corrected - sparse, mode, mu))
            total = total + corrected - lows[-1]
        sparse = (total / 3 - weight * (mu * lam / 3)).clip(0)
        weight = edge / (sparse + eps)
        multipliers = [
            m - (low + sparse - data) / mu
            for m, low in zip(multipliers, lows, strict=True)
        ]
        mu /= 1.5
        low = sum(lows) / 3
        residual = np.linalg.norm(data - low - sparse) / size
        before, entries = entries, int((sparse != 0).sum())
        if residual < tol or entries == before:
            return Decomposition(low, sparse, iteration, residual, True)
    return Decomposition(low, sparse, max_iter, residual, False)


def _shrink_mode(
    tensor: np.ndarray, mode: int, threshold: float
) -> np.ndarray:
    """Shrink the singular values of one unfolding."""
    swapped = tensor.swapaxes(0, mode)
    flat = swapped.reshape(swapped.shape[0], -1)
    flat = shrink(flat, threshold)[0]
    return flat.reshape(swapped.shape).swapaxes(0, mode)
