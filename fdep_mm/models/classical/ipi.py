"""Infrared patch-image model (IPI).

Gao, Meng, Yang, Wang, Zhou, Hauptmann, *Infrared patch-image model for small
target detection in a single image*, IEEE TIP 22(12), 2013.

Differences from the public code: lambda is the paper's (the code takes the
size of the image for that of the patch image); the last rows and columns are
covered; the negative part of the target image is dropped, as it is no
target and moves the zero level of the scaled map.
"""

import numpy as np

from .low_rank import (
    Decomposition,
    check_converged,
    iterations,
    shrink,
    soft,
    spectrum,
)
from .patches import as_matrix, as_patches, grid_for
from .score import score_map


@score_map
def ipi(
    image: np.ndarray,
    patch: int = 50,
    stride: int | None = 10,
    lam: float | None = None,
    tol: float = 1e-6,
    max_iter: int = 1000,
) -> np.ndarray:
    """Sparse part of the patch image, by accelerated proximal gradient.

    Args:
        patch (int): Side of a patch, px; less, and denser, on images that
            would have fewer than four patches.
        stride (int, optional): px. None: a fifth of `patch`, on images of more
            than 0.11 megapixels a half, which saves most of the time.
        lam (float, optional): Weight of sparsity. Defaults to None:
            ``1 / sqrt(max(m, n))`` of the patch image.
        tol (float): Relative residual of the stopping rule.
    """
    grid = grid_for(image.shape, patch, stride, least=4)
    low, span = image.min(), np.ptp(image)
    patches = grid.split((image - low) / span)
    data = as_matrix(patches)
    if lam is None:
        lam = max(data.shape) ** -0.5
    result = decompose(data, lam, tol, max_iter)
    target = check_converged('ipi', result).target
    return span * grid.join_median(as_patches(target, patches.shape))


def decompose(
    data: np.ndarray, lam: float, tol: float, max_iter: int
) -> Decomposition:
    """Minimize ``|B|_* + lam |T|_1 + |D - B - T|^2 / (2 mu)``, mu falling.

    D (m, n) is the patch image, 0..1. Both gradient steps need no more of B
    and T than E = B - T, extrapolated by the momentum: one starts from
    (D + E) / 2, the other from (D - E) / 2, and the two gradients differ in
    sign only. It also ends when the rank of B has settled, as in the paper's
    code, or is no longer low.
    """
    values = spectrum(data)
    mu, last_mu = float(values[1]), 0.005 * float(values[3])
    settled = Settled(0.3 * min(data.shape))
    difference, ahead = 0 * data, 0 * data
    step = old_step = 1.0
    start = None
    for iteration in iterations(max_iter):
        # ahead holds the difference before the last
        np.subtract(difference, ahead, out=ahead)
        ahead *= (old_step - 1) / step
        ahead += difference
        low = (data + ahead) / 2
        sparse = data - low
        low, rank, start = shrink(low, mu / 2, start=start)
        sparse = soft(sparse, lam * mu / 2)
        size = np.hypot(np.linalg.norm(low), np.linalg.norm(sparse))
        ahead -= low
        ahead += sparse
        residual = np.linalg.norm(ahead) / 2**0.5 / max(1, size)
        done = settled(rank, int(np.count_nonzero(sparse))) or residual <= tol
        if done:
            return Decomposition(low, sparse, iteration, residual, True)
        ahead = difference
        difference = low - sparse
        old_step, step = step, (1 + (1 + 4 * step**2) ** 0.5) / 2
        mu = max(0.9 * mu, last_mu)
    return Decomposition(low, sparse, max_iter, residual, False)


class Settled:
    """The rank rule: constant for more than ten iterations, or too high."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.rank = -1
        self.entries = self.age = 0

    def __call__(self, rank: int, entries: int) -> bool:
        """Take the rank of B and the number of entries of T not 0."""
        if rank != self.rank:
            self.rank, self.entries, self.age = rank, entries, 0
        else:
            self.age += 1
        return rank > self.limit or (
            self.age > 10 and abs(entries - self.entries) < 20
        )
