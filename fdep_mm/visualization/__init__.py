"""Pictures: curves, overlays and surfaces of images, and a gallery."""

from .comparison import areas, figure_to_array, plot_comparison
from .files import (
    Scene,
    check_scale,
    count_files,
    list_images,
    load_scene,
    pair_images,
    read_image,
    read_names,
    read_prob,
)
from .gallery import write_gallery
from .overlay import draw_overlay
from .surface import plot_surfaces
