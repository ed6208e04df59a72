"""Figures as arrays, without matplotlib's global state."""

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def figure_to_array(figure: Figure) -> np.ndarray:
    """Render a figure as (H, W, 3) uint8, RGB."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
