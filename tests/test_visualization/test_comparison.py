"""One figure for several networks shows each one's numbers."""

import math

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import same_color

from fdep_mm.evaluation.functional import (
    EvalProtocol,
    Evaluation,
    count_image,
    reduce_records,
)
from fdep_mm.visualization import (
    areas,
    figure_to_array,
    plot_comparison,
)


def make_model(seed, thresholds=19):
    rng = np.random.default_rng(seed)
    protocol = EvalProtocol(thresholds)
    records = []
    for i in range(3):
        mask = np.zeros((40, 40), bool)
        mask[10 + i : 13 + i, 20:23] = True
        prob = np.clip(0.6 * mask + 0.5 * rng.random((40, 40)) ** 4, 0, 1)
        records.append(count_image(prob, mask, protocol, str(i)))
    return reduce_records(records, protocol)


@pytest.fixture
def models():
    return dict(one=[make_model(0)], other=[make_model(1)])


def test_lines_hold_the_curves_in_one_color_per_network(models):
    figure = plot_comparison(models, fa_limit=1.0)
    iou, hse, pd_fa, roc = figure.axes
    for i, (name, [model]) in enumerate(models.items()):
        curves = model.curves
        solid, dashed = iou.lines[2 * i : 2 * i + 2]
        np.testing.assert_array_equal(solid.get_ydata(), curves['IoU'])
        np.testing.assert_array_equal(dashed.get_ydata(), curves['nIoU'])
        np.testing.assert_allclose(
            hse.lines[2 * i + 1].get_ydata(), curves['F1'].mean(0)
        )
        dots = pd_fa.lines[2 * i + 1]
        np.testing.assert_allclose(dots.get_xdata(), 1e6 * curves['Fa'])
        np.testing.assert_array_equal(dots.get_ydata(), curves['Pd'])
        dots = roc.lines[2 * i + 1]
        np.testing.assert_array_equal(dots.get_ydata(), curves['TPR'])
        lines = [solid, dashed, *pd_fa.lines[2 * i : 2 * i + 2], dots]
        assert len({str(line.get_color()) for line in lines}) == 1
        pd_fa_area, roc_area = areas(curves, 1.0)
        assert f'{pd_fa_area:.4f}' in pd_fa.lines[2 * i].get_label()
        assert f'{roc_area:.4f}' in roc.lines[2 * i].get_label()
        for text in (f'{name}: HSE {100 * model.scores["HSE"]:.2f}',):
            assert text in hse.lines[2 * i].get_label()
    one, other = iou.lines[0], iou.lines[2]
    assert not same_color(one.get_color(), other.get_color())


def test_panels_are_those_asked_for(models):
    figure = plot_comparison(models, ['roc', 'iou', 'pdfa'])
    assert [axes.get_xlabel() for axes in figure.axes] == [
        'FPR',
        'threshold',
        'Fa (1e-6)',
    ]


def test_a_dozen_networks_have_a_dozen_colors():
    model = make_model(0)
    figure = plot_comparison({str(i): [model] for i in range(12)}, ['iou'])
    lines = figure.axes[0].lines[::2]
    assert len({tuple(line.get_color()) for line in lines}) == 12


def test_seeds_of_other_thresholds(models):
    models['one'].append(make_model(2, thresholds=9))
    with pytest.raises(ValueError, match='one: seeds have different thresh'):
        plot_comparison(models)


@pytest.mark.parametrize('kinds', [[], ['iou', 'nix']])
def test_unknown_panels(models, kinds):
    with pytest.raises(ValueError, match="kinds .*'roc'"):
        plot_comparison(models, kinds)


def test_a_single_network_shows_f1_of_each_tolerance():
    model = make_model(0)
    [axes] = plot_comparison(dict(one=[model]), ['hse']).axes
    lines = {line.get_label(): line for line in axes.lines}
    for d, f1 in zip((1, 2, 3, 4, 5), model.curves['F1'], strict=True):
        found = lines[f'F1, d = {d} px'].get_ydata()
        np.testing.assert_array_equal(found, f1)


def test_picture_is_rgb_and_drawn_without_global_state(models):
    backend = matplotlib.get_backend()
    picture = figure_to_array(plot_comparison(models))
    assert picture.shape == (1040, 1400, 3) and picture.dtype == np.uint8
    assert 200 < picture.mean() < 255
    assert matplotlib.get_backend() == backend


def test_undefined_curves_and_a_single_threshold_can_be_drawn():
    model = make_model(0, thresholds=1)
    curves = {k: v * math.nan for k, v in model.curves.items() if k != 'Fa'}
    curves |= dict(thresholds=model.curves['thresholds'])
    curves |= dict(Fa=model.curves['Fa'], tolerances=np.zeros(5))
    scores = dict.fromkeys(model.scores, math.nan)
    for one in (model, Evaluation(scores, curves)):
        assert figure_to_array(plot_comparison(dict(a=[one]))).any()
