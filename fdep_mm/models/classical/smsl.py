"""Stable multisubspace learning (SMSL).

Wang, Peng, Kong, He, *Infrared dim and small target detection based on stable
multisubspace learning in heterogeneous scene*, IEEE TGRS 55(10), 2017.

Differences from the paper: its solver is not public; this one follows the
orthonormal subspace learning its model is built on (Shu, Porikli, Ahuja,
*Robust orthonormal subspace learning*, CVPR 2014). Treat numbers as those of
this solver.
"""

import numpy as np

from .low_rank import Decomposition, check_converged, iterations
from .patches import grid_for
from .score import score_map


@score_map
def smsl(
    image: np.ndarray,
    patch: int = 30,
    stride: int = 30,
    lam: float = 1.0,
    rank: int = 30,
    tol: float = 1e-7,
    max_iter: int = 100,
    seed: int = 0,
) -> np.ndarray:
    """Sparse part of the patch image beside a union of subspaces.

    Args:
        patch (int): Side of a patch, px; less, and denser, on images that
            would have fewer than nine patches.
        stride (int): px. Defaults to 30: no overlap.
        lam (float): L; the weight of sparsity is ``L / sqrt(min(m, n))`` of
            the patch image.
        rank (int): Directions to start with; those that are not needed are
            dropped.
        tol (float): Relative residual of the stopping rule.
        seed (int): Of the random start.
    """
    grid = grid_for(image.shape, patch, stride, least=9)
    columns = np.ascontiguousarray(grid.split(image).reshape(len(grid), -1).T)
    rng = np.random.default_rng(seed)
    start = rng.uniform(size=(min(rank, *columns.shape), len(grid)))
    weight = lam * min(columns.shape) ** -0.5
    result = decompose(columns, start, weight, tol, max_iter)
    target = check_converged('smsl', result).target
    return grid.join(target.T.reshape(-1, grid.height, grid.width))


def decompose(
    data: np.ndarray,
    start: np.ndarray,
    lam: float,
    tol: float,
    max_iter: int,
) -> Decomposition:
    """Minimize the row norms of the coefficients + lam |T|_1, T >= 0.

    F = D alpha + T (m, n) is the patch image, one patch per column; D has
    orthonormal columns; `start` (K, n) holds the first coefficients.
    """
    size = np.linalg.norm(data)
    mu = 10 * lam / float(abs(data).max())
    last_mu = 1e7 * mu
    coefficients = start
    directions = np.zeros_like(data[:, :1]) * start[:, 0]
    low, multiplier = data, 0 * data
    for iteration in iterations(max_iter):
        sparse = (data + multiplier - low - lam / mu).clip(0)
        directions, coefficients = _sweep(
            data + multiplier - sparse, directions, coefficients, mu
        )
        low = directions @ coefficients
        gap = data - low - sparse
        growth = min(1.5, last_mu / mu)
        multiplier = (multiplier + gap) / growth  # it is scaled by mu
        mu = mu * growth
        residual = np.linalg.norm(gap) / size
        if residual < tol:
            return Decomposition(low, sparse, iteration, residual, True)
    return Decomposition(low, sparse, max_iter, residual, False)


def _sweep(
    data: np.ndarray,
    directions: np.ndarray,
    coefficients: np.ndarray,
    mu: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Renew each direction and its coefficients once; drop the dead ones.

    With R_k = A - sum over j != k of d_j alpha_j: d_k is the normalized
    R_k alpha_k, orthogonal to the new directions, and alpha_k the shrunk
    d_k R_k. R_k is never formed.
    """
    # alpha_k is still the old one when its turn comes
    seen = data @ coefficients.T
    directions = directions * 1.0
    coefficients = coefficients * 1.0
    alive = []
    for k in range(len(coefficients)):
        overlap = coefficients @ coefficients[k]
        overlap[k] = 0
        direction = seen[:, k] - directions @ overlap
        before = directions[:, :k]
        for _ in range(2):  # once leaves rounding errors
            direction = direction - before @ (before.T @ direction)
        length = np.linalg.norm(direction)
        directions[:, k] = direction / length if length else 0
        product = directions.T @ directions[:, k]
        product[k] = 0
        row = directions[:, k] @ data - product @ coefficients
        length = np.linalg.norm(row)
        coefficients[k] = row * (
            max(1 - 1 / (mu * length), 0) if length else 0
        )
        if mu * length > 1:
            alive.append(k)
    return directions[:, alive], coefficients[alive]
