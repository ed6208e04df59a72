"""Curves of several arms, each trained with several seeds."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from fdep_mm.evaluation.functional import pd_fa_points, roc_points

from .comparison import colors

Curves = Mapping[str, np.ndarray]


def plot_bands(
    arms: Mapping[str, Sequence[Curves]],
    title: str = '',
    fa_limit: float = 1e-4,
) -> Figure:
    """Draw IoU over the threshold, Pd over Fa and the pixel ROC.

    Args:
        arms (Mapping[str, Sequence[Curves]]): Curves of each seed, see
            :func:`fdep_mm.evaluation.evaluate_curves`, by the name for the
            legend.
        title (str): Over the panels.
        fa_limit (float): Right end of Pd over Fa.

    Returns:
        Figure: Three panels, 1800 x 560 px. Lines are means over seeds at
        equal threshold, Fa or FPR; bands reach from the lowest seed to the
        highest.

    Raises:
        ValueError: There is no curve, or seeds of an arm have different
            thresholds.
    """
    if not any(arms.values()):
        raise ValueError('no cell with curves is finished')
    figure = Figure(figsize=(18, 5.6), dpi=100, layout='constrained')
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, 3)
    for color, (name, seeds) in zip(
        colors(len(arms)), arms.items(), strict=True
    ):
        lines = [_lines(one, fa_limit) for one in seeds]
        for axes, *found in zip(panels, *lines, strict=True):
            x = found[0][0]
            if any(not np.array_equal(x, other) for other, _ in found):
                raise ValueError(f'{name}: seeds have different thresholds')
            y = np.array([values for _, values in found])
            label = f'{name} ({len(seeds)} seeds)'
            axes.plot(x, y.mean(axis=0), color=color, label=label)
            axes.fill_between(
                x, y.min(axis=0), y.max(axis=0), color=color, alpha=0.15, lw=0
            )
    iou, pd_fa, roc = panels
    iou.set(xlabel='threshold', ylabel='IoU', xlim=(0, 1))
    pd_fa.set(xlabel='Fa (1e-6)', ylabel='Pd', xlim=(0, 1e6 * fa_limit))
    roc.set_xscale('symlog', linthresh=1e-6)
    roc.set(xlabel='FPR', ylabel='TPR', xlim=(0, 1))
    for axes in panels:
        axes.grid(alpha=0.3)
        axes.set_ylim(bottom=max(0, axes.get_ylim()[0]))
    iou.legend()
    figure.suptitle(title)
    return figure


def _lines(
    curves: Curves, fa_limit: float
) -> list[tuple[np.ndarray, np.ndarray]]:
    fa = np.linspace(0, fa_limit, 401)
    fpr = np.r_[0, np.geomspace(1e-7, 1, 400)]
    pd = pd_fa_points(curves['Fa'], curves['Pd'], fa_limit)
    tpr = roc_points(curves['FPR'], curves['TPR'])
    return [
        (curves['thresholds'], curves['IoU']),
        (1e6 * fa, np.interp(fa, *pd)),
        (fpr, np.interp(fpr, *tpr)),
    ]
