"""What the low-rank and sparse models share."""

import warnings
from typing import NamedTuple

import numpy as np

# Vectors that a partial decomposition takes beyond the last rank.
SPARE = 10


class Decomposition(NamedTuple):
    """Background and target of patches."""

    background: np.ndarray
    target: np.ndarray
    iterations: int
    residual: float
    converged: bool


class ConvergenceWarning(UserWarning):
    """An iteration limit ended a solver before its stopping rule did."""


def check_converged(method: str, result: Decomposition) -> Decomposition:
    """Warn if the iteration limit was hit."""
    if not result.converged:
        warnings.warn(
            f'{method}: stopped by max_iter={result.iterations} with a '
            f'residual of {result.residual:.1e}; raise max_iter or tol',
            ConvergenceWarning,
            stacklevel=4,
        )
    return result


def iterations(limit: int) -> range:
    """Count 1..limit; ValueError if there would be none."""
    if limit < 1:
        raise ValueError(f'max_iter must be at least 1, got {limit}')
    return range(1, limit + 1)


def soft(array: np.ndarray, threshold: float) -> np.ndarray:
    """Shrink every entry towards 0."""
    return array - array.clip(-threshold, threshold)


def spectrum(matrix: np.ndarray) -> np.ndarray:
    """Descending singular values by the smaller Gram matrix, exact to 1e-8."""
    if matrix.shape[0] > matrix.shape[1]:
        matrix = matrix.T
    return np.linalg.eigvalsh(matrix @ matrix.T)[::-1].clip(0) ** 0.5


def shrink(
    matrix: np.ndarray,
    threshold: float,
    keep: int = 0,
    start: np.ndarray | None = None,
) -> tuple[np.ndarray, int, np.ndarray]:
    """Shrink the singular values of a real matrix, all but the `keep` largest.

    Without `start` exact to about 1e-8, by the smaller Gram matrix. `start`
    is the third result of an earlier call on a similar matrix: two subspace
    iterations from there replace the full decomposition where they are
    cheaper and hold all singular values above the threshold.

    Returns the result (m, n), its rank, and the next `start`.
    """
    if matrix.shape[0] > matrix.shape[1]:
        result, rank, start = shrink(matrix.T, threshold, keep, start)
        return result.T, rank, start
    found = None if start is None else _partial(matrix, start)
    if found is None or found[0][0] > threshold or len(found[0]) <= keep:
        values, vectors = np.linalg.eigh(matrix @ matrix.T)
        found = values.clip(0) ** 0.5, vectors
    values, vectors = found
    gain = _gain(values, threshold, keep)
    rank = int((gain > 0).sum())
    start = vectors[:, max(0, len(values) - rank - SPARE) :]
    if not rank:
        return 0 * matrix, 0, start
    used = vectors[:, -rank:]
    scaled = used * gain[-rank:]
    rows, columns = matrix.shape
    if 2 * rank * columns > rows * (rank + columns):  # multiplications
        return (scaled @ used.T) @ matrix, rank, start
    return scaled @ (used.T @ matrix), rank, start


def shrink_slices(
    slices: np.ndarray, threshold: float, keep: int
) -> np.ndarray:
    """Shrink the singular values of matrices (N, m, n), real or complex."""
    if slices.shape[1] > slices.shape[2]:
        turned = shrink_slices(slices.swapaxes(1, 2), threshold, keep)
        return turned.swapaxes(1, 2)
    adjoint = slices.conj().swapaxes(1, 2)
    values, vectors = np.linalg.eigh(slices @ adjoint)
    gain = _gain(values.clip(0) ** 0.5, threshold, keep)
    used = vectors * gain[:, None]
    return used @ (vectors.conj().swapaxes(1, 2) @ slices)


def _gain(values: np.ndarray, threshold: float, keep: int) -> np.ndarray:
    """Factors of ascending singular values, along the last axis."""
    gain = (values - threshold).clip(0) / values.clip(1e-30)
    if keep:
        gain[..., -keep:] = 1
    return gain


def _partial(
    matrix: np.ndarray, start: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Largest singular values, ascending, and left vectors; or None."""
    rows, columns = matrix.shape
    if start.shape[0] != rows or start.shape[1] > rows // 4:
        return None
    basis = start
    for _ in range(2):
        basis = np.linalg.qr(matrix @ (matrix.T @ basis))[0]
    core = basis.T @ matrix
    values, vectors = np.linalg.eigh(core @ core.T)
    return values.clip(0) ** 0.5, basis @ vectors
