"""Pictures: curves of an evaluation and overlays of single images."""

from .curves import figure_to_array, plot_curves
from .overlay import draw_overlay, to_display

__all__ = ['draw_overlay', 'figure_to_array', 'plot_curves', 'to_display']
