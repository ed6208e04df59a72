"""Non-negative infrared patch-image model, partial sum of singular values.

Dai, Wu, Song, Guo, *Non-negative infrared patch-image model: robust
target-background separation via partial sum minimization of singular values*,
Infrared Physics & Technology 81, 2017 (NIPPS).

Differences from the public demo: the number of singular values that are not
shrunk is at most a quarter of all, as with few patches every one of them
would pass and leave no target.
"""

import numpy as np

from .low_rank import (
    Decomposition,
    check_converged,
    iterations,
    shrink,
    spectrum,
)
from .patches import as_matrix, as_patches, grid_for
from .score import score_map

# With few patches sparsity weighs as much as rank, and no target is left:
# measured with 16 of them on all scenes, with 36 on some.
LEAST = 60


@score_map
def nipps(
    image: np.ndarray,
    patch: int = 50,
    stride: int | None = 10,
    lam: float = 2.0,
    ratio: float = 0.005,
    tol: float = 1e-7,
    max_iter: int = 1000,
) -> np.ndarray:
    """Non-negative sparse part of the patch image, by augmented Lagrangian.

    Where noise or few patches leave no small singular values, as on images of
    about 100 px and less, targets may count as background, first those near
    the border, and the map is all zero.

    Args:
        patch (int): Side of a patch, px; less, and denser, on images that
            would have fewer than 60 patches.
        stride (int, optional): px. None: a fifth of `patch`, on images of more
            than 0.11 megapixels a half, which saves most of the time.
        lam (float): L; the weight of sparsity is ``L / sqrt(min(m, n))`` of
            the patch image.
        ratio (float): Singular values of at least this fraction of the
            largest are background whole. Defaults to the demo's 0.005.
        tol (float): Relative residual of the stopping rule. Defaults to
            1e-7; 1e-4 changes the map by less than a percent.
    """
    grid = grid_for(image.shape, patch, stride, least=LEAST)
    patches = grid.split(image)
    data = as_matrix(patches)
    weight = lam * min(data.shape) ** -0.5
    result = decompose(data, weight, ratio, tol, max_iter)
    target = check_converged('nipps', result).target
    return grid.join(as_patches(target, patches.shape))


def decompose(
    data: np.ndarray, lam: float, ratio: float, tol: float, max_iter: int
) -> Decomposition:
    """Minimize the singular values of B beyond the N largest + lam |T|_1.

    D = B + T (m, n) is the patch image.
    """
    values = spectrum(data)
    largest = float(values[0])
    keep = int((values >= ratio * largest).sum())
    keep = max(1, min(keep, min(data.shape) // 4))
    size = np.linalg.norm(data)
    mu = 1.25 / largest
    last_mu = 1e7 * mu
    # Lagrange multiplier over mu
    scaled = data / (mu * max(largest, float(abs(data).max()) / lam))
    low = 0 * data
    for iteration in iterations(max_iter):
        scaled += data
        sparse = (scaled - low - lam / mu).clip(0)
        scaled -= sparse
        low, _, _ = shrink(scaled, 1 / mu, keep)
        scaled -= low
        residual = np.linalg.norm(data - low - sparse) / size
        if residual < tol:
            return Decomposition(low, sparse, iteration, residual, True)
        old_mu, mu = mu, min(1.5 * mu, last_mu)
        scaled *= old_mu / mu
    return Decomposition(low, sparse, max_iter, residual, False)
