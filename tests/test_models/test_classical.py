"""Classical methods: one contract for all, and each against its loops."""

import re
from pathlib import Path

import classical_loops
import classical_loops_models
import numpy as np
import pytest

from fdep_mm.models.classical import (
    METHODS,
    ConvergenceWarning,
    lcm,
    max_median,
    mpcm,
    rlcm,
    to_probability,
    tophat,
)
from fdep_mm.models.classical.max_median import median
from fdep_mm.models.classical.patches import PatchGrid

HERE = Path(__file__).parent
LOW_RANK = ('ipi', 'nipps', 'smsl', 'ript', 'pstnn')
# A plateau around the target, or smoothing by 2x2: the first maximum is this
# many px away. All others are exact.
OFF = dict(lcm=1, rlcm=3, fkrw=1)
# The replicated border makes plateaus as large as cells of 9 px.
OFF_AT_BORDER = dict(OFF, lcm=4, rlcm=4)
# The patches of the papers are for larger images than these of 72 px.
PATCHES = dict(
    ipi=dict(patch=24, stride=8),
    smsl=dict(patch=24, stride=12),
)
# Distances in px from the border, below which targets are lost in a corner:
# it is replicated or mirrored, and so is the target. All others lose none.
LOST_BELOW = dict(new_tophat=1, mpcm=2, rlcm=1, fkrw=4)
# Differences and residuals; the others are ratios.
OFFSET_FREE = ('tophat', 'new_tophat', 'max_median', 'max_mean', 'mpcm')
methods = pytest.mark.parametrize('name', METHODS)


@pytest.fixture(autouse=True)
def no_convergence_warnings(recwarn):
    yield
    assert not [
        str(w.message)
        for w in recwarn
        if issubclass(w.category, ConvergenceWarning)
    ]


def search(name: str, image: np.ndarray) -> np.ndarray:
    return METHODS[name](image, **PATCHES.get(name, {}))


def background(kind: str, size: int = 72) -> np.ndarray:
    y, x = np.mgrid[:size, :size]
    rng = np.random.default_rng(0)
    if kind == 'flat':
        scene = np.full((size, size), 80.0)
    elif kind == 'gradient':
        scene = 60 + 0.3 * x + 0.2 * y
    elif kind == 'edge':
        scene = np.where(x + 0.3 * y < 64, 60.0, 110.0)
    else:
        scene = 90 + 25 * np.sin(x / 17) * np.cos(y / 23 + x / 40)
    return scene + rng.normal(0, 1, scene.shape)


def with_target(scene: np.ndarray, y: int, x: int) -> np.ndarray:
    """Add a Gaussian spot; 8 bit."""
    rows, cols = np.ogrid[: scene.shape[0], : scene.shape[1]]
    spot = np.exp(-((rows - y) ** 2 + (cols - x) ** 2) / 2 / 1.2**2)
    return (scene + 90 * spot).clip(0, 255).round().astype(np.uint8)


@methods
@pytest.mark.parametrize('kind', ['flat', 'gradient', 'cloud', 'edge'])
def test_the_target_is_the_maximum(name, kind):
    score = search(name, with_target(background(kind), 40, 40))
    assert score.dtype == np.float32 and score.shape == (72, 72)
    if (name, kind) == ('pstnn', 'flat'):
        # Without structure the singular value it keeps is the target's.
        assert not score.any()
        return
    assert score.min() == 0 and score.max() == 1
    y, x = np.unravel_index(score.argmax(), score.shape)
    assert max(abs(y - 40), abs(x - 40)) <= OFF.get(name, 0)
    # half: where the maximum may lie a few pixels beside the target
    assert score[40, 40] > (0.5 if name == 'rlcm' else 0.9)


@pytest.mark.parametrize('method', [lcm, rlcm])
@pytest.mark.parametrize('kind', ['flat', 'gradient', 'cloud', 'edge'])
def test_the_maximum_is_exact_without_plateaus(method, kind):
    score = method(with_target(background(kind), 40, 40), peak='pixel')
    assert np.argwhere(score == 1).tolist() == [[40, 40]]


@methods
@pytest.mark.parametrize('place', [(4, 40), (40, 68), (68, 68), (4, 4)])
def test_targets_at_the_border(name, place):
    score = search(name, with_target(background('gradient'), *place))
    found = np.unravel_index(score.argmax(), score.shape)
    far_off = np.abs(np.subtract(found, place)).max()
    assert far_off <= OFF_AT_BORDER.get(name, 1)


@methods
def test_targets_cut_by_the_border(name):
    size = 128 if name == 'nipps' else 72
    near = LOST_BELOW.get(name, 0)
    far = size - 1 - near
    for place in [(near, 40), (40, near), (far, 40), (40, far), (far, near)]:
        score = search(name, with_target(background('cloud', size), *place))
        found = np.unravel_index(score.argmax(), score.shape)
        far_off = np.abs(np.subtract(found, place)).max()
        assert far_off <= OFF_AT_BORDER.get(name, 0)


@pytest.mark.parametrize('name', LOST_BELOW)
def test_targets_that_the_border_hides(name):
    """As the docstrings say."""
    place = (LOST_BELOW[name] - 1,) * 2
    score = search(name, with_target(background('gradient'), *place))
    assert score[place] < 0.01


@methods
def test_a_constant_image_has_no_target(name):
    for value in (0, 77, 255):
        score = METHODS[name](np.full((40, 50), value, np.uint8))
        assert score.shape == (40, 50) and not score.any()
    assert not METHODS[name](np.full((40, 50), 100.3)).any()


@methods
def test_8_and_16_bit_give_the_same_map(name):
    image = with_target(background('cloud'), 30, 30)
    score = search(name, image)
    wide = image.astype(np.uint16) * 257
    np.testing.assert_array_equal(score, search(name, wide))
    np.testing.assert_array_equal(score, search(name, image.astype(float)))


@pytest.mark.parametrize('kind', [np.float32, np.float64])
def test_images_in_unit_range_are_told(kind, recwarn):
    """They are no error: a tile of a dark sky has no gray level above 1."""
    image = background('cloud', 16).clip(0, 255).astype(kind)
    with pytest.warns(UserWarning, match=r'in 0.*image \* 255') as told:
        mpcm(image / 255)
    assert told[0].filename == __file__
    mpcm(image)
    mpcm(np.full((9, 9), 0.5))
    mpcm((image > 90).astype(np.uint8))
    assert not recwarn


def test_images_above_255_are_told(recwarn):
    image = background('cloud', 16)
    with pytest.warns(UserWarning, match=r'e\+.* - black\) .* \* 255'):
        mpcm(100 * image)
    mpcm(image + 255.9 - image.max())
    mpcm((100 * image).astype(np.uint16))
    assert not recwarn


@methods
@pytest.mark.parametrize('shape', [(30, 25), (12, 70), (7, 7)])
def test_small_images(name, shape):
    image = with_target(background('cloud')[: shape[0], : shape[1]], 4, 4)
    score = METHODS[name](image)
    assert score.shape == shape and np.isfinite(score).all()


@methods
def test_a_half_black_image(name, recwarn):
    image = with_target(background('cloud'), 40, 40)
    image[:, 50:] = 0
    score = search(name, image)
    recwarn.clear()  # some do not converge there
    assert np.isfinite(score).all() and 0 <= score.min() <= score.max() <= 1


@pytest.mark.parametrize('name', OFFSET_FREE)
def test_brightness_does_not_matter(name):
    image = with_target(background('cloud'), 40, 40).clip(0, 240)
    np.testing.assert_allclose(
        METHODS[name](image), METHODS[name](image + 10), atol=1e-5
    )


def loops(name: str):
    low_rank = name in (*LOW_RANK, 'fkrw')
    return getattr(
        classical_loops_models if low_rank else classical_loops, name
    )


@methods
def test_against_the_loops_of_the_paper(name):
    rng = np.random.default_rng(1)
    # on smaller ones it has other patches than the paper's
    size = 128 if name == 'nipps' else 64
    scene = background('edge', size) + rng.normal(0, 4, (size, size))
    image = with_target(scene, 20, 33).astype(float)
    expected = to_probability(loops(name)(image))
    assert expected.any()
    # IPI's subspaces are approximate
    tolerance = 2e-3 if name == 'ipi' else 1e-4
    np.testing.assert_allclose(METHODS[name](image), expected, atol=tolerance)


@pytest.mark.parametrize('path', sorted(HERE.glob('classical_loops*.py')))
def test_the_loops_use_nothing_of_what_they_test(path):
    assert not re.search(r'^\s*(from|import) fdep_mm', path.read_text(), re.M)


def test_median_by_exchanges():
    rng = np.random.default_rng(0)
    for n in (1, 3, 5, 7, 11):
        stack = rng.integers(0, 9, (n, 6, 5))
        np.testing.assert_array_equal(median(stack), np.median(stack, axis=0))


def test_options():
    image = with_target(background('flat'), 40, 40)
    dark = 255 - image
    assert mpcm(dark)[40, 40] == 1
    assert mpcm(dark, bright_only=True)[40, 40] == 0
    disk = tophat(image, shape='disk')
    assert disk[40, 40] == 1 and (disk != tophat(image)).any()


def test_what_is_not_finite_counts_as_nothing():
    raw = np.array([[np.nan, np.inf, -np.inf, -3, 2, 4]])
    np.testing.assert_array_equal(to_probability(raw), [[0, 0, 0, 0, 0.5, 1]])


@pytest.mark.parametrize('stride', [7, 10])
@pytest.mark.parametrize('join', [PatchGrid.join, PatchGrid.join_median])
def test_patches_give_their_image_back(stride, join):
    image = np.random.default_rng(0).normal(size=(43, 31))
    grid = PatchGrid(image.shape, 10, stride)
    patches = grid.split(image)
    assert len(patches) == len(grid) and patches.shape[1:] == (10, 10)
    np.testing.assert_allclose(join(grid, patches), image)


@pytest.mark.parametrize(
    ('error', 'message', 'call'),
    [
        (TypeError, 'numpy array', lambda: mpcm([[1.0]])),
        (TypeError, 'int64', lambda: mpcm(np.zeros((9, 9), int))),
        (ValueError, 'one gray channel', lambda: mpcm(np.zeros((9, 9, 3)))),
        (ValueError, 'NaN', lambda: mpcm(np.full((9, 9), np.nan))),
        (ValueError, 'positive odd', lambda: mpcm(_any(), scales=(3, 4))),
        (ValueError, "peak='top': give", lambda: lcm(_any(), peak='top')),
        (ValueError, "shape='x': give", lambda: tophat(_any(), shape='x')),
        (ValueError, 'at least 1 px', lambda: max_median(_any(), half=0)),
        (ValueError, 'stride <= patch', lambda: PatchGrid((9, 9), 3, 4)),
    ],
)
def test_errors(error, message, call):
    with pytest.raises(error, match=message):
        call()


def _any() -> np.ndarray:
    return background('cloud', 16)
