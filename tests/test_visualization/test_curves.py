"""The figure shows the numbers it was given."""

import math

import matplotlib
import numpy as np

from fdep_mm.visualization import figure_to_array, plot_curves

THRESHOLDS = np.array([0.25, 0.5, 0.75])
SCORES = dict(HSE=0.5, HSE_P=0.4, HSE_T=0.6)


def make_curves(**changed):
    curves = dict(
        thresholds=THRESHOLDS,
        tolerances=np.array([1, 3]),
        IoU=np.array([0.2, 0.4, 0.3]),
        nIoU=np.array([0.3, 0.5, 0.2]),
        Pd=np.array([1.0, 0.9, 0.5]),
        Fa=np.array([1e-4, 1e-5, 0.0]),
        F1=np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]),
    )
    return {**curves, **changed}


def test_lines_hold_the_curves():
    curves = make_curves()
    pixel, target, roc = plot_curves(SCORES, curves).axes[:3]
    assert pixel.get_title() == 'HSE_P = 40.00'
    assert target.get_title() == 'HSE_T = 60.00'
    lines = {line.get_label(): line for line in pixel.lines + target.lines}
    for label, values in (
        ('IoU', curves['IoU']),
        ('nIoU', curves['nIoU']),
        ('d = 1 px', curves['F1'][0]),
        ('d = 3 px', curves['F1'][1]),
    ):
        np.testing.assert_array_equal(lines[label].get_xdata(), THRESHOLDS)
        np.testing.assert_array_equal(lines[label].get_ydata(), values)
    np.testing.assert_allclose(roc.lines[0].get_xdata(), [100, 10, 0])
    assert roc.get_xscale() == 'symlog'


def test_fa_axis_is_logarithmic_where_it_can_be():
    curves = make_curves(Fa=np.array([1e-4, 1e-5, 1e-6]))
    assert plot_curves(SCORES, curves).axes[2].get_xscale() == 'log'


def test_picture_is_rgb_and_drawn_without_global_state():
    backend = matplotlib.get_backend()
    picture = figure_to_array(plot_curves(SCORES, make_curves()))
    assert picture.shape == (460, 1500, 3) and picture.dtype == np.uint8
    assert 200 < picture.mean() < 255
    assert matplotlib.get_backend() == backend


def test_undefined_curves_can_be_drawn():
    nothing = np.full(3, math.nan)
    curves = make_curves(
        Pd=nothing, F1=np.stack([nothing, nothing]), Fa=np.zeros(3)
    )
    scores = dict(HSE=math.nan, HSE_P=0.4, HSE_T=math.nan)
    figure = plot_curves(scores, curves)
    assert figure.axes[1].get_title() == 'HSE_T = nan'
    assert figure_to_array(figure).shape == (460, 1500, 3)


def test_a_single_threshold_can_be_drawn():
    curves = make_curves()
    for key in ('thresholds', 'IoU', 'nIoU', 'Pd', 'Fa', 'F1'):
        curves[key] = curves[key][..., 1:2]
    assert figure_to_array(plot_curves(SCORES, curves)).any()
