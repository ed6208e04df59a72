"""Pictures: curves, overlays and surfaces of images, and a gallery."""

from fdep_mm.core.image import to_display

from .bands import plot_bands
from .comparison import Evaluation, areas, plot_comparison
from .counting import count_files
from .curves import figure_to_array, plot_curves
from .files import (
    Scene,
    check_scale,
    list_images,
    load_scene,
    pair_images,
    read_image,
    read_mask,
    read_names,
    read_prob,
)
from .gallery import write_gallery
from .overlay import draw_overlay
from .surface import plot_surfaces
from .training import plot_training, read_scalars

__all__ = [
    'check_scale',
    'Evaluation',
    'Scene',
    'areas',
    'draw_overlay',
    'count_files',
    'figure_to_array',
    'list_images',
    'load_scene',
    'pair_images',
    'plot_bands',
    'plot_comparison',
    'plot_curves',
    'plot_surfaces',
    'plot_training',
    'read_image',
    'read_mask',
    'read_names',
    'read_prob',
    'read_scalars',
    'to_display',
    'write_gallery',
]
