import numpy as np
import pytest

from fdep_mm.core.boxes import mask_boxes
from fdep_mm.evaluation import noco_map


@pytest.fixture
def image():
    rng = np.random.default_rng(1)
    return rng.integers(0, 256, (40, 50)).astype(np.uint8)


def test_peak_of_a_bright_target(image):
    image //= 8
    image[20:23, 30:34] = 200
    image[21, 31] = 255
    result = noco_map(image, [(30, 20, 34, 23)])
    assert np.unravel_index(result.argmax(), result.shape) == (21, 31)
    assert result.max() == pytest.approx(0.999, abs=1e-4)
    assert not result[:17].any() and not result[:, 38:].any()


def test_channels_are_averaged_and_coordinates_truncated(image):
    color = np.stack([image, image.T.reshape(40, 50), 255 - image], -1)
    mean = color.astype(float).mean(-1)
    np.testing.assert_allclose(
        noco_map(color, [(10.9, 12.2, 15.99, 16.01)]),
        noco_map(mean, [(10, 12, 15, 16)]),
        atol=1e-12,
    )
    # less than a pixel after truncation: one pixel
    np.testing.assert_array_equal(
        noco_map(image, [(10.2, 12.1, 10.9, 12.8)]),
        noco_map(image, [(10, 12, 11, 13)]),
    )


def test_flat_and_tiny_images():
    flat = noco_map(np.full((9, 9), 7.0), [(4, 4, 5, 5)])
    # nothing to divide by, and no NaN
    np.testing.assert_array_equal(flat, np.zeros((9, 9)))
    assert noco_map(np.ones((1, 1)), [(0, 0, 1, 1)]).tolist() == [[0]]


@pytest.mark.parametrize(
    ('boxes', 'reason'),
    [
        ([(5, 5, 5, 8)], 'empty or inverted'),
        ([(1, 1, 2, 2), (8, 5, 5, 8)], 'empty or inverted'),
        ([(45, 5, 51, 8)], 'not in it'),
        ([(-1, 5, 4, 8)], 'not in it'),
        ([(1, 5, np.nan, 8)], 'not finite'),
        ([(1, 5, 4)], r'\(G, 4\)'),
    ],
)
def test_bad_boxes(image, boxes, reason):
    with pytest.raises(ValueError, match=reason):
        noco_map(image, boxes)


def test_bad_arguments(image):
    with pytest.raises(ValueError, match='overlap'):
        noco_map(image, [], overlap='mean')
    with pytest.raises(ValueError, match=r'\(H, W\)'):
        noco_map(image[0], [])


def test_mask_boxes():
    mask = np.zeros((10, 12), np.uint8)
    mask[2:4, 3:8] = 255
    mask[4, 8] = 255  # touches by a corner
    mask[9, 0] = 1
    assert mask_boxes(mask).tolist() == [[3, 2, 9, 5], [0, 9, 1, 10]]
    assert mask_boxes(mask, connectivity=4).shape == (3, 4)
    assert mask_boxes(np.zeros((4, 4))).shape == (0, 4)


@pytest.mark.parametrize('value', [np.nan, np.inf])
def test_not_finite_around_a_target(image, value):
    image = image.astype(float)
    image[12, 9] = value  # beside the box, within its window
    with pytest.raises(ValueError, match=r'NaN.*\(10, 12, 15, 16\)'):
        noco_map(image, [(10, 12, 15, 16)])
    # elsewhere it does not matter
    assert np.isfinite(noco_map(image, [(30, 30, 33, 32)])).all()
