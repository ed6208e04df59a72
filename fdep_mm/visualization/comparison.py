"""Curves of one or several networks in one figure."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from fdep_mm.evaluation.functional import (
    Evaluation,
    pd_fa_auc,
    pd_fa_points,
    roc_auc,
    roc_points,
)

# Title, label of x and label of y; lines are solid, then dashed.
PANELS = dict(
    iou=('IoU (solid) and nIoU (dashed)', 'threshold', ''),
    hse=(
        '(IoU + nIoU) / 2 (solid) and mean F1 of the tolerances (dashed)',
        'threshold',
        '',
    ),
    pdfa=('Pd over Fa (AUC: mean Pd at Fa up to {:g}e-6)', 'Fa (1e-6)', 'Pd'),
    roc=('pixel ROC (AUC over FPR 0 to 1, trapezoidal)', 'FPR', 'TPR'),
)
KINDS = tuple(PANELS)


def plot_comparison(
    models: Mapping[str, Sequence[Evaluation]],
    kinds: Sequence[str] = KINDS,
    fa_limit: float = 1e-4,
    title: str = '',
) -> Figure:
    """Draw the curves of one or several networks, a panel per kind.

    Args:
        models (Mapping[str, Sequence[Evaluation]]): Name for the legend ->
            what was measured with each seed. Of several seeds the mean is
            drawn, in a band from the lowest to the highest.
        kinds (Sequence[str]): Panels: 'iou' (IoU and nIoU over the
            threshold), 'hse' (what HSE integrates, and of a single network F1
            at each tolerance), 'pdfa' (Pd over Fa) and 'roc' (TPR over FPR of
            the pixels).
        fa_limit (float): Largest Fa of the area under Pd over Fa.

    Returns:
        Figure: Rows of two panels, 700 x 520 px a panel.

    Raises:
        ValueError: There is no network or kind, a kind is unknown, or seeds
            of a network have different thresholds.
    """
    models = {name: seeds for name, seeds in models.items() if seeds}
    if not models:
        raise ValueError('there are no curves to draw')
    if not kinds or not {*kinds} <= {*KINDS}:
        raise ValueError(f'give some of the kinds {KINDS}, got {list(kinds)}')
    for name, seeds in models.items():
        if len({tuple(seed.curves['thresholds']) for seed in seeds}) > 1:
            raise ValueError(f'{name}: seeds have different thresholds')
    rows, columns = -(-len(kinds) // 2), min(2, len(kinds))
    size = (7 * columns, 5.2 * rows)
    figure = Figure(size, dpi=100, layout='constrained')
    for place, kind in enumerate(kinds, start=1):
        axes = figure.add_subplot(rows, columns, place)
        for i, (name, seeds) in enumerate(models.items()):
            color = _color(i, len(models))
            if len(seeds) > 1:
                name = f'{name} ({len(seeds)} seeds)'
            numbers = _numbers(kind, seeds, fa_limit)
            _draw(axes, kind, seeds, color, f'{name}: {numbers}', fa_limit)
        if kind == 'hse' and sum(map(len, models.values())) == 1:
            _draw_tolerances(axes, seeds[0].curves)
        heading, x_label, y_label = PANELS[kind]
        axes.set(xlabel=x_label, ylabel=y_label, xlim=(0, 1), ylim=(0, 1.02))
        axes.set_title(heading.format(1e6 * fa_limit))
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
        if kind == 'pdfa':
            axes.set_xlim(0, 1e6 * fa_limit)
        if kind == 'roc':  # targets are some 0.1 per mille of the pixels
            axes.set_xscale('symlog', linthresh=1e-6)
    figure.suptitle(title)
    return figure


def _color(i: int, number: int) -> tuple:
    """RGBA of one of several lines that can be told apart."""
    if number <= 10:
        return colormaps['tab10'](i)
    return colormaps['turbo'](i / (number - 1))


def figure_to_array(figure: Figure) -> np.ndarray:
    """Render a figure as (H, W, 3) uint8, RGB; no global state is touched."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def areas(
    curves: Mapping[str, np.ndarray], fa_limit: float = 1e-4
) -> tuple[float, float]:
    """Areas under Pd over Fa up to a limit, and under the pixel ROC."""
    return (
        pd_fa_auc(curves['Fa'], curves['Pd'], fa_limit),
        roc_auc(curves['FPR'], curves['TPR']),
    )


def _numbers(kind: str, seeds: Sequence[Evaluation], fa_limit: float) -> str:
    """What the legend says, means over the seeds."""
    if kind in ('pdfa', 'roc'):
        found = [areas(seed.curves, fa_limit) for seed in seeds]
        pd_fa, roc = np.mean(found, axis=0)
        return f'AUC {pd_fa if kind == "pdfa" else roc:.4f}'
    mean = {
        key: 100 * np.mean([seed.scores[key] for seed in seeds])
        for key in ('IoU', 'nIoU', 'HSE', 'HSE_P', 'HSE_T')
    }
    if kind == 'iou':
        return f'IoU {mean["IoU"]:.2f}, nIoU {mean["nIoU"]:.2f}'
    parts = f'P {mean["HSE_P"]:.2f}, T {mean["HSE_T"]:.2f}'
    return f'HSE {mean["HSE"]:.2f} ({parts})'


def _draw(
    axes: Axes,
    kind: str,
    seeds: Sequence[Evaluation],
    color: tuple,
    label: str,
    fa_limit: float,
) -> None:
    lines = [_lines(kind, seed.curves, fa_limit) for seed in seeds]
    both = zip(*lines, strict=True)
    for style, same in zip(('-', '--'), both, strict=False):
        x, y = same[0][0], np.array([values for _, values in same])
        axes.plot(x, y.mean(axis=0), style, color=color, label=label)
        label = None  # one entry of the legend for both
        if len(y) > 1:
            low, high = y.min(axis=0), y.max(axis=0)
            axes.fill_between(x, low, high, color=color, alpha=0.15, lw=0)
    if len(seeds) == 1 and kind in ('pdfa', 'roc'):  # what was measured
        curves = seeds[0].curves
        x, y = ('Fa', 'Pd') if kind == 'pdfa' else ('FPR', 'TPR')
        factor = 1e6 if kind == 'pdfa' else 1
        axes.plot(factor * curves[x], curves[y], '.', color=color)


def _draw_tolerances(axes: Axes, curves: Mapping[str, np.ndarray]) -> None:
    """F1 of each tolerance."""
    for i, f1 in enumerate(curves['F1']):
        # curves often coincide: thin lines on wide ones keep all visible
        axes.plot(
            curves['thresholds'],
            f1,
            color=colormaps['viridis'](i / len(curves['F1'])),
            linewidth=0.8 + 1.2 * (len(curves['F1']) - 1 - i),
            zorder=1,
            label=f'F1, d = {curves["tolerances"][i]:g} px',
        )


def _lines(
    kind: str, curves: Mapping[str, np.ndarray], fa_limit: float
) -> list[tuple[np.ndarray, np.ndarray]]:
    """x and y of each line, at x that are the same for all seeds."""
    thresholds = curves['thresholds']
    if kind == 'iou':
        return [(thresholds, curves[key]) for key in ('IoU', 'nIoU')]
    if kind == 'hse':
        pixel = (curves['IoU'] + curves['nIoU']) / 2
        f1 = curves['F1']  # without tolerances there is none
        target = f1.mean(axis=0) if len(f1) else np.full(len(pixel), np.nan)
        return [(thresholds, pixel), (thresholds, target)]
    if kind == 'pdfa':
        fa = np.linspace(0, fa_limit, 401)
        pd = pd_fa_points(curves['Fa'], curves['Pd'], fa_limit)
        return [(1e6 * fa, np.interp(fa, *pd))]
    # straight lines between points are bent on a logarithmic axis
    fpr = np.r_[0, np.geomspace(1e-8, 1, 401)]
    return [(fpr, np.interp(fpr, *roc_points(curves['FPR'], curves['TPR'])))]
