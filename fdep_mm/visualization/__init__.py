"""Pictures: curves, overlays and surfaces of images, and a gallery."""

from fdep_mm.core.image import to_display

from .comparison import areas, plot_comparison
from .figures import figure_to_array
from .files import (
    check_scale,
    list_images,
    pair_images,
    read_image,
    read_mask,
    read_names,
    read_prob,
)
from .gallery import write_gallery
from .overlay import draw_overlay
from .scenes import Scene, count_files, load_scene
from .surface import plot_surfaces
