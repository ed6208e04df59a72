"""Partial sum of the tensor nuclear norm (PSTNN).

Zhang, Peng, *Infrared small target detection based on partial sum of the
tensor nuclear norm*, Remote Sensing 11(4), 382, 2019.

Differences from the public code: pixels of overlapping patches are averaged.
"""

import numpy as np

from .low_rank import (
    Decomposition,
    check_converged,
    iterations,
    shrink_slices,
    spectrum,
)
from .patches import grid_for
from .score import score_map
from .structure import scale_to_unit, structure_tensor


@score_map
def pstnn(
    image: np.ndarray,
    patch: int = 40,
    stride: int = 40,
    lam: float = 0.7,
    ratio: float = 0.1,
    eps: float = 0.01,
    tol: float = 1e-3,
    max_iter: int = 500,
) -> np.ndarray:
    """Sparse part of the patch tensor, weighted towards corners.

    On scenes without structure, and on images below 30 px, the singular value
    that it keeps is the target's, and the map is all zero.

    Args:
        patch (int): Side of a patch, px.
        stride (int): px.
        lam (float): The weight of sparsity is ``lam / sqrt(max(I, J) * P)`` of
            the patch tensor.
        ratio (float): Singular values of the first unfolding of at least this
            fraction of the largest count; so many per slice are background
            whole.
        eps (float): Of the reweighting, gray levels.
        tol (float): Relative residual of the stopping rule.
    """
    grid = grid_for(image.shape, patch, stride)
    larger, smaller = structure_tensor(image, 2.0, 9.0)
    trace = larger + smaller
    corner = np.divide(
        larger * smaller, trace, out=np.zeros_like(trace), where=trace > 0
    )
    prior = scale_to_unit(corner * larger)
    data, prior = (
        np.moveaxis(grid.split(i), 0, -1).copy() for i in (image, prior)
    )
    weight = lam / (max(data.shape[:2]) * data.shape[2]) ** 0.5
    result = decompose(data, prior, weight, ratio, eps, tol, max_iter)
    target = check_converged('pstnn', result).target
    return grid.join(np.moveaxis(target, -1, 0))


def decompose(
    data: np.ndarray,
    prior: np.ndarray,
    lam: float,
    ratio: float,
    eps: float,
    tol: float,
    max_iter: int,
) -> Decomposition:
    """Minimize singular values of Fourier slices beyond N + lam |W T|_1.

    T is not negative, and 0 where `prior`, (I, J, P) in 0..1, is. It also
    ends when the number of entries of T stays the same and is not 0.
    """
    values = spectrum(data.reshape(data.shape[0], -1))
    keep = max(1, int((values >= ratio * values[0]).sum()))
    size = np.linalg.norm(data)
    mu = 2e-3
    sparse = multiplier = 0 * data
    # A weight is infinite where the prior is 0: nothing passes there.
    inverse = 1 / prior.clip(1e-300)
    weight, entries = sparse + 1, -1
    for iteration in iterations(max_iter):
        low = _shrink_fourier(data - sparse - multiplier / mu, 1 / mu, keep)
        rest = data - low - multiplier / mu
        sparse = (rest - weight * (lam / mu)).clip(0)
        weight = keep / (sparse + eps) * inverse
        gap = low + sparse - data
        residual = np.linalg.norm(gap) / size
        before, entries = entries, int((sparse != 0).sum())
        if residual < tol or (entries > 0 and entries == before):
            return Decomposition(low, sparse, iteration, residual, True)
        multiplier = multiplier + mu * gap
        mu = min(1.05 * mu, 1e10)
    return Decomposition(low, sparse, max_iter, residual, False)


def _shrink_fourier(
    tensor: np.ndarray, threshold: float, keep: int
) -> np.ndarray:
    """Shrink the frontal slices in the Fourier domain of the last axis.

    The other half of the slices are their complex conjugates.
    """
    slices = np.fft.rfft(tensor).swapaxes(0, 2).swapaxes(1, 2)
    slices = shrink_slices(slices, threshold, keep)
    return np.fft.irfft(
        slices.swapaxes(1, 2).swapaxes(0, 2), n=tensor.shape[2]
    )
