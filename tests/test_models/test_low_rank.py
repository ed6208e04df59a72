"""Solvers of the low-rank methods: shrinking, convergence."""

import warnings

import numpy as np
import pytest

from fdep_mm.models.classical import METHODS, ConvergenceWarning
from fdep_mm.models.classical import low_rank as lr
from fdep_mm.models.classical.ipi import decompose as decompose_ipi
from fdep_mm.models.classical.nipps import decompose as decompose_nipps
from fdep_mm.models.classical.patches import (
    as_matrix,
    as_patches,
    grid_for,
)
from fdep_mm.models.classical.pstnn import decompose as decompose_pstnn
from fdep_mm.models.classical.ript import decompose as decompose_ript
from fdep_mm.models.classical.smsl import decompose as decompose_smsl

LOW_RANK = ('ipi', 'nipps', 'smsl', 'ript', 'pstnn')
low_rank = pytest.mark.parametrize('name', LOW_RANK)


def image(size: int = 48) -> np.ndarray:
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:size, :size]
    scene = 90 + 25 * np.sin(x / 17) * np.cos(y / 23 + x / 40)
    scene += rng.normal(0, 1, scene.shape)
    scene += 90 * np.exp(-((y - 20) ** 2 + (x - 26) ** 2) / 3)
    return scene.clip(0, 255).round().astype(np.uint8)


def matrix(rows: int, columns: int, rank: int = 5) -> np.ndarray:
    rng = np.random.default_rng(1)
    low = rng.normal(size=(rows, rank)) @ rng.normal(size=(rank, columns))
    return low + 0.01 * rng.normal(size=(rows, columns))


def svt(values: np.ndarray, threshold: float, keep: int) -> np.ndarray:
    """By the definition."""
    u, s, v = np.linalg.svd(values, full_matrices=False)
    shrunk = np.maximum(s - threshold, 0)
    shrunk[:keep] = s[:keep]
    return (u * shrunk) @ v


@pytest.mark.parametrize('shape', [(40, 90), (90, 40)])
@pytest.mark.parametrize('keep', [0, 3])
@pytest.mark.parametrize('threshold', [0.05, 20.0, 1e4])
def test_shrink(shape, keep, threshold):
    values = matrix(*shape)
    expected = svt(values, threshold, keep)
    result, rank, _ = lr.shrink(values, threshold, keep)
    np.testing.assert_allclose(result, expected, atol=1e-8)
    assert rank == np.linalg.matrix_rank(expected, 1e-6)


def test_shrink_from_an_earlier_subspace():
    values = matrix(100, 300)
    _, rank, start = lr.shrink(values, 3.0)
    assert rank == 5 and start.shape == (100, 15)
    changed = values + 0.01 * matrix(100, 300)[::-1]
    result, rank, start = lr.shrink(changed, 3.0, start=start)
    np.testing.assert_allclose(result, svt(changed, 3.0, 0), atol=1e-5)
    assert rank == 5
    # more singular values than the subspace holds: decomposed anew
    result, rank, _ = lr.shrink(changed, 0.01, start=start)
    np.testing.assert_allclose(result, svt(changed, 0.01, 0), atol=1e-8)
    assert rank > 15


@pytest.mark.parametrize('shape', [(6, 7, 5), (6, 5, 7)])
def test_shrink_slices(shape):
    rng = np.random.default_rng(0)
    slices = rng.normal(size=shape) + 1j * rng.normal(size=shape)
    expected = np.stack([svt(s, 2.0, 1) for s in slices])
    result = lr.shrink_slices(slices, 2.0, 1)
    np.testing.assert_allclose(result, expected, atol=1e-10)


@pytest.mark.parametrize('number', [3, 20, 50])
def test_patches_as_a_matrix(number):
    patches = np.random.default_rng(0).normal(size=(number, 4, 5))
    values = as_matrix(patches)
    assert values.shape == (min(number, 20), max(number, 20))
    assert values.flags.c_contiguous
    column = values[:, 2] if number > 20 else values[2]
    np.testing.assert_array_equal(column, patches[2].ravel())
    back = as_patches(values, patches.shape)
    np.testing.assert_array_equal(back, patches)


def test_strides_that_follow_the_size():
    small, large = (300, 366), (300, 367)  # 0.11 megapixels between them
    assert len(grid_for(small, 50, None)) == len(grid_for(small, 50, 10))
    assert len(grid_for(large, 50, None)) == len(grid_for(large, 50, 25))
    # few patches: as with the stride that it stands for
    for least in (4, 60):
        few = grid_for((60, 70), 50, None, least)
        assert len(few) == len(grid_for((60, 70), 50, 10, least))


@pytest.mark.parametrize('name', ['ipi', 'nipps'])
def test_more_patches_than_pixels_in_one(name):
    scene = image(40)
    score = METHODS[name](scene, patch=10, stride=2)
    peak = np.unravel_index(score.argmax(), score.shape)
    assert abs(np.subtract(peak, (20, 26))).max() <= 1


def test_spectrum():
    values = matrix(30, 50)
    expected = np.linalg.svd(values, compute_uv=False)
    for array in (values, values.T):
        np.testing.assert_allclose(lr.spectrum(array), expected, atol=1e-6)


@low_rank
def test_an_iteration_limit_is_told(name):
    with pytest.warns(ConvergenceWarning, match='max_iter=1 ') as caught:
        score = METHODS[name](image(), max_iter=1)
    assert name in str(caught[0].message)
    assert caught[0].filename == __file__
    assert np.isfinite(score).all()


@low_rank
def test_a_limit_below_one(name):
    with pytest.raises(ValueError, match='max_iter must be at least 1, got 0'):
        METHODS[name](image(), max_iter=0)


@low_rank
def test_convergence_is_silent(name):
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        METHODS[name](image())


@pytest.mark.parametrize('rows', [60, 200])
def test_flags(rows):
    """A decomposition says how it ended, and adds up where it converged."""
    data = abs(matrix(rows, 80)) / 20
    done = decompose_nipps(data, 0.2, 0.005, 1e-7, 1000)
    assert done.converged and done.residual < 1e-7 and done.iterations < 100
    np.testing.assert_allclose(done.background + done.target, data, atol=1e-5)
    assert done.target.min() >= 0
    short = decompose_nipps(data, 0.2, 0.005, 1e-7, 3)
    assert not short.converged and short.iterations == 3
    assert not decompose_ipi(data, 0.1, 1e-6, 3).converged
    assert decompose_ipi(data, 0.1, 1e-6, 1000).converged


@pytest.mark.parametrize('rows', [60, 200])
def test_flags_of_subspaces(rows):
    data = abs(matrix(rows, 80)) / 20
    start = np.random.default_rng(0).uniform(size=(20, 80))
    done = decompose_smsl(data, start, 0.12, 1e-7, 100)
    assert done.converged and done.residual < 1e-7 and done.iterations < 50
    np.testing.assert_allclose(done.background + done.target, data, atol=1e-5)
    assert done.target.min() >= 0
    short = decompose_smsl(data, start, 0.12, 1e-7, 3)
    assert not short.converged and short.iterations == 3
    assert short.residual > 1e-2


def tensor() -> np.ndarray:
    """Patches side by side, (24, 24, 16)."""
    grid = grid_for((48, 48), 24, 8)
    return np.moveaxis(grid.split(image().astype(float)), 0, -1)


@pytest.mark.parametrize(
    ('decompose', 'params'),
    [(decompose_ript, (0.03, 0.01)), (decompose_pstnn, (0.1, 0.1, 0.01))],
)
def test_flags_where_the_residual_ends_it(decompose, params):
    data = tensor()
    args = data, np.ones_like(data), *params, 5e-3
    done = decompose(*args, 500)
    assert done.converged and done.residual < 5e-3
    gap = data - done.background - done.target
    residual = np.linalg.norm(gap) / np.linalg.norm(data)
    assert residual == pytest.approx(done.residual)
    short = decompose(*args, done.iterations - 1)
    assert not short.converged and short.residual >= 5e-3
    assert short.iterations == done.iterations - 1


@pytest.mark.parametrize(
    ('decompose', 'params'),
    [(decompose_ript, (0.03, 0.01)), (decompose_pstnn, (0.01, 0.1, 0.01))],
)
def test_flags_where_the_target_settles(decompose, params):
    """They end where T has as many entries as an iteration before."""
    data = tensor()
    args = data, np.ones_like(data), *params, 0.0
    done = decompose(*args, 500)
    assert done.converged and done.residual > 0 and done.target.min() >= 0
    limits = done.iterations - 2, done.iterations - 1
    short = [decompose(*args, limit) for limit in limits]
    assert not any(d.converged for d in short)
    before, last = (np.count_nonzero(d.target) for d in short)
    assert last == np.count_nonzero(done.target) > 0
    assert last != before


@pytest.mark.parametrize('name', ['ipi', 'nipps', 'smsl', 'ript'])
@pytest.mark.parametrize('shape', [(72, 80), (52, 52), (36, 48), (24, 30)])
def test_targets_in_images_of_few_patches(name, shape):
    """One patch of the paper's would hold the image, or a few."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    rng = np.random.default_rng(0)
    scene = 90 + 25 * np.sin(x / 17) * np.cos(y / 23 + x / 40)
    scene += rng.normal(0, 1, shape)
    scene += 90 * np.exp(-((y - 12) ** 2 + (x - 14) ** 2) / 3)
    score = METHODS[name](scene)
    assert np.unravel_index(score.argmax(), shape) == (12, 14)


@low_rank
@pytest.mark.parametrize('shape', [(2, 2), (1, 20), (2, 30), (5, 1), (6, 9)])
def test_what_is_too_small(name, shape):
    noise = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    message = f'at least 7 x 7 px, got {shape[0]} x {shape[1]} '
    with pytest.raises(ValueError, match=message):
        METHODS[name](noise)


def test_a_partial_decomposition_gives_the_same_map(monkeypatch):
    part = METHODS['ipi'](image(72), patch=24, stride=6)
    monkeypatch.setattr(lr, '_partial', lambda matrix, start: None)
    full = METHODS['ipi'](image(72), patch=24, stride=6)
    assert (part != full).any()
    np.testing.assert_allclose(part, full, atol=2e-3)


def test_smsl_is_seeded():
    first, again = (METHODS['smsl'](image(), seed=3) for _ in range(2))
    np.testing.assert_array_equal(first, again)
