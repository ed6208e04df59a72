"""The curves of one evaluation as a figure."""

from collections.abc import Mapping

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .figures import panel_grid


def plot_curves(
    scores: Mapping[str, float], curves: Mapping[str, np.ndarray]
) -> Figure:
    """Draw IoU and F1 over the threshold, and Pd over Fa.

    Args:
        scores (Mapping[str, float]): HSE, HSE_P, HSE_T as fractions or NaN,
            see :func:`fdep_mm.evaluation.evaluate_masks`.
        curves (Mapping[str, np.ndarray]): See
            :func:`fdep_mm.evaluation.evaluate_curves`.

    Returns:
        Figure: Three panels, 1500 x 460 px.
    """
    figure, panels = panel_grid(3, 3, 5, 4.6)
    pixel, target, pd_fa = panels
    for key in ('IoU', 'nIoU'):
        pixel.plot(curves['thresholds'], curves[key], marker='.', label=key)
    pixel.set(title=f'HSE_P = {100 * scores["HSE_P"]:.2f}', ylabel='IoU')
    widest = len(curves['tolerances'])
    for i, tolerance in enumerate(curves['tolerances']):
        # curves often coincide: thin lines on wide ones keep all visible
        target.plot(
            curves['thresholds'],
            curves['F1'][i],
            color=colormaps['viridis'](i / widest),
            linewidth=1.5 + 1.2 * (widest - 1 - i),
            label=f'd = {tolerance:g} px',
        )
    target.set(title=f'HSE_T = {100 * scores["HSE_T"]:.2f}', ylabel='F1')
    for axes in (pixel, target):
        axes.set(xlabel='threshold', xlim=(0, 1), ylim=(0, 1.02))
        axes.legend()
    _plot_pd_fa(pd_fa, curves)
    for axes in panels:
        axes.grid(alpha=0.3)
    figure.suptitle(f'HSE = {100 * scores["HSE"]:.2f}')
    return figure


def _plot_pd_fa(axes: Axes, curves: Mapping[str, np.ndarray]) -> None:
    false = 1e6 * curves['Fa']
    axes.plot(false, curves['Pd'], color='0.6', zorder=1)
    dots = axes.scatter(
        false,
        curves['Pd'],
        c=curves['thresholds'],
        cmap='viridis',
        s=24,
        zorder=3,
        clip_on=False,
    )
    axes.figure.colorbar(dots, ax=axes, label='threshold')
    # Fa spans decades; 0, which has no logarithm, needs a linear start
    if false.min() > 0:
        axes.set_xscale('log')
    else:
        axes.set_xscale('symlog', linthresh=1)
        axes.set_xlim(0, 2 * max(1, false.max()))
    axes.set(title='Pd over Fa', xlabel='Fa (1e-6)', ylabel='Pd')
    axes.set_ylim(0, 1.02)
