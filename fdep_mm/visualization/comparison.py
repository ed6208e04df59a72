"""Curves of several networks in one figure."""

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

KINDS = ('iou', 'hse', 'pdfa', 'roc')


def areas(
    curves: Mapping[str, np.ndarray], fa_limit: float = 1e-4
) -> dict[str, float]:
    """Areas under the curves of one network.

    Args:
        curves (Mapping[str, np.ndarray]): Those of one network.
        fa_limit (float): Largest Fa that counts.

    Returns:
        dict[str, float]: ``PdFa_AUC``
        (:func:`fdep_mm.evaluation.functional.pd_fa_auc`) and, if the curves
        hold TPR and FPR, ``ROC_AUC``
        (:func:`fdep_mm.evaluation.functional.roc_auc`).
    """
    out = dict(PdFa_AUC=pd_fa_auc(curves['Fa'], curves['Pd'], fa_limit))
    if 'TPR' in curves:
        out['ROC_AUC'] = roc_auc(curves['FPR'], curves['TPR'])
    return out


def plot_comparison(
    models: Mapping[str, Evaluation],
    kinds: Sequence[str] = KINDS,
    fa_limit: float = 1e-4,
) -> Figure:
    """Draw the curves of one or several networks, a panel per kind.

    Args:
        models (Mapping[str, Evaluation]): By the name for the legend.
        kinds (Sequence[str]): Panels: 'iou' (IoU and nIoU over the threshold),
            'hse' (what HSE integrates over the threshold: the mean of IoU and
            nIoU, and the mean of F1 over the tolerances), 'pdfa' (Pd over Fa)
            and 'roc' (TPR over FPR of the pixels).
        fa_limit (float): Largest Fa of the area under Pd over Fa.

    Returns:
        Figure: A row of up to two panels each, 700 x 520 px a panel.

    Raises:
        ValueError: If there is no network or kind, a kind is unknown, or
            'roc' is asked for and curves lack TPR and FPR.
    """
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown or not kinds or not models:
        raise ValueError(
            f'give at least one network and some of the kinds {KINDS}, got '
            f'{list(models)} and {list(kinds)}'
        )
    columns = min(2, len(kinds))
    rows = -(-len(kinds) // columns)
    figure = Figure(
        figsize=(7 * columns, 5.2 * rows), dpi=100, layout='constrained'
    )
    FigureCanvasAgg(figure)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, kind in zip(panels, kinds, strict=False):
        for color, (name, model) in zip(
            colors(len(models)), models.items(), strict=True
        ):
            if kind == 'pdfa':
                _pd_fa(axes, name, model.curves, color, fa_limit)
            elif kind == 'roc':
                _roc(axes, name, model.curves, color)
            else:
                _over_threshold(axes, name, model, color, kind)
        _label(axes, kind, fa_limit)
    for axes in panels[len(kinds) :]:
        axes.remove()
    return figure


def colors(num: int) -> list[tuple]:
    """A color for each of several networks.

    Returns:
        list[tuple]: RGBA.
    """
    if num <= 10:
        return [colormaps['tab10'](i) for i in range(num)]
    return [colormaps['turbo'](i / (num - 1)) for i in range(num)]


def _over_threshold(
    axes: Axes, name: str, model: Evaluation, color: tuple, kind: str
) -> None:
    curves, scores = model.curves, model.scores
    pixel = (curves['IoU'] + curves['nIoU']) / 2
    if kind == 'iou':
        lines = (curves['IoU'], curves['nIoU'])
        label = (
            f'{name}: IoU {100 * scores["IoU"]:.2f}, '
            f'nIoU {100 * scores["nIoU"]:.2f}'
        )
    else:
        f1 = curves['F1']  # without tolerances there is none
        lines = (pixel, f1.mean(axis=0) if len(f1) else pixel * np.nan)
        label = (
            f'{name}: HSE {100 * scores["HSE"]:.2f} (P '
            f'{100 * scores["HSE_P"]:.2f}, T {100 * scores["HSE_T"]:.2f})'
        )
    for line, style, text in zip(
        lines, ('-', '--'), (label, None), strict=True
    ):
        axes.plot(
            curves['thresholds'],
            line,
            style,
            color=color,
            marker='.' if len(line) < 40 else None,
            label=text,
        )


def _pd_fa(
    axes: Axes,
    name: str,
    curves: Mapping[str, np.ndarray],
    color: tuple,
    limit: float,
) -> None:
    area = pd_fa_auc(curves['Fa'], curves['Pd'], limit)
    x, y = pd_fa_points(curves['Fa'], curves['Pd'], limit)
    axes.plot(1e6 * x, y, color=color, label=f'{name}: AUC {area:.4f}')
    axes.plot(1e6 * curves['Fa'], curves['Pd'], '.', color=color)


def _roc(
    axes: Axes, name: str, curves: Mapping[str, np.ndarray], color: tuple
) -> None:
    if 'TPR' not in curves:
        raise ValueError(
            f'{name}: holds no TPR and FPR, an older version wrote it; '
            'evaluate again, or leave out the ROC curve'
        )
    area = roc_auc(curves['FPR'], curves['TPR'])
    x, y = roc_points(curves['FPR'], curves['TPR'])
    # straight lines between points are bent on a logarithmic axis
    between = np.geomspace(1e-8, 1, 400)
    fine = np.sort(np.r_[x, between])
    label = f'{name}: AUC {area:.4f}'
    axes.plot(fine, np.interp(fine, x, y), color=color, label=label)
    axes.plot(curves['FPR'], curves['TPR'], '.', color=color)


def _label(axes: Axes, kind: str, limit: float) -> None:
    axes.grid(alpha=0.3)
    axes.set_ylim(0, 1.02)
    if kind == 'pdfa':
        axes.set(
            title=f'Pd over Fa (AUC: mean Pd at Fa up to {1e6 * limit:g}e-6)',
            xlabel='Fa (1e-6)',
            ylabel='Pd',
            xlim=(0, 1e6 * limit),
        )
    elif kind == 'roc':
        # targets are some 0.1 per mille of the pixels
        axes.set_xscale('symlog', linthresh=1e-6)
        axes.set(
            title='pixel ROC (AUC over FPR 0 to 1, trapezoidal)',
            xlabel='FPR',
            ylabel='TPR',
            xlim=(0, 1),
        )
    else:
        first, second = (
            ('IoU', 'nIoU')
            if kind == 'iou'
            else ('(IoU + nIoU) / 2', 'mean F1 of the tolerances')
        )
        axes.set(
            title=f'{first} (solid) and {second} (dashed)',
            xlabel='threshold',
            xlim=(0, 1),
        )
    axes.legend(fontsize=8)
