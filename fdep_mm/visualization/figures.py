"""What all figures share; no global matplotlib state."""

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def panel_grid(
    num: int, columns: int, width: float, height: float
) -> tuple[Figure, list[Axes]]:
    """A figure of `num` panels, up to `columns` a row, of a size in inches."""
    columns = min(columns, num)
    rows = -(-num // columns)
    size = (width * columns, height * rows)
    figure = Figure(size, dpi=100, layout='constrained')
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels[num:]:
        axes.remove()
    return figure, [*panels[:num]]


def colors(num: int) -> list[tuple]:
    """RGBA of several lines that can be told apart."""
    if num <= 10:
        return [colormaps['tab10'](i) for i in range(num)]
    return [colormaps['turbo'](i / (num - 1)) for i in range(num)]


def figure_to_array(figure: Figure) -> np.ndarray:
    """Render a figure as (H, W, 3) uint8, RGB."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
