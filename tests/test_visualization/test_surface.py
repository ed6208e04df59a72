"""Surfaces have the heights of the arrays."""

import numpy as np
import pytest
from mpl_toolkits.mplot3d.axes3d import Axes3D

from fdep_mm.visualization import figure_to_array, plot_surfaces, surface


@pytest.fixture
def drawn(monkeypatch):
    """x, y and heights of every surface that is drawn."""
    surfaces = []
    original = Axes3D.plot_surface

    def record(axes, x, y, z, **kwargs):
        surfaces.append((x, y, z))
        return original(axes, x, y, z, **kwargs)

    monkeypatch.setattr(Axes3D, 'plot_surface', record)
    return surfaces


def make_scene(height, width):
    image = np.random.default_rng(0).integers(0, 200, (height, width, 3))
    mask = np.zeros((height, width), bool)
    mask[3, 5] = True
    return image.astype(np.uint8), mask, mask * 0.75


def test_three_panels_side_by_side():
    figure = plot_surfaces(*make_scene(20, 30), title='scene')
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ['input', 'ground truth', 'prediction']
    picture = figure_to_array(figure)
    assert picture.shape == (520, 1560, 3)
    # something is drawn in each third
    for third in np.split(picture, 3, axis=1):
        assert third.min() < 120


def test_a_target_of_one_pixel_keeps_height_and_place(drawn):
    image, mask, prob = make_scene(20, 30)
    plot_surfaces(image, mask, prob)
    assert drawn[0][2].min() == 0 and drawn[0][2].max() == 1
    for x, y, z in drawn[1:]:
        assert (x[z > 0], y[z > 0]) == ([5], [3])
    np.testing.assert_array_equal(drawn[1][2], mask)
    np.testing.assert_array_equal(drawn[2][2], prob)


def test_thinning_out_keeps_the_highest(drawn, monkeypatch):
    monkeypatch.setattr(surface, 'MAX_POINTS', 30)
    plot_surfaces(*make_scene(41, 300))
    for (x, y, z), top in zip(drawn[1:], (1, 0.75), strict=True):
        assert z.shape == (5, 30)  # blocks of 10 px
        assert z.max() == top
        assert (x[z > 0], y[z > 0]) == ([0], [0])


@pytest.mark.parametrize('shape', [(20, 31), (1, 30)])
def test_sizes_that_do_not_do(shape):
    image, mask, prob = make_scene(20, 30)
    with pytest.raises(ValueError, match='one size of at least 2 x 2'):
        plot_surfaces(image, mask, np.resize(prob, shape))
