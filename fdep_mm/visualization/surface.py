"""Input, ground truth and prediction of one image as 3-D surfaces."""

import numpy as np
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d.axes3d import Axes3D

from fdep_mm.core.image import to_display

MAX_POINTS = 96  # along the longer side


def plot_surfaces(
    image: np.ndarray,
    mask: np.ndarray,
    prob: np.ndarray,
    title: str = '',
) -> Figure:
    """Draw image, mask and probability side by side as heights.

    Images of more than 96 px are thinned out by the maximum of each block, so
    that a target of one pixel keeps its full height; its foot is then as wide
    as a block. Cut a window out of the three arrays for the true shape.

    Args:
        image (np.ndarray): (H, W) or (H, W, C) of any type; shown as gray
            levels from its minimum to its maximum.
        mask (np.ndarray): (H, W) bool, the ground truth.
        prob (np.ndarray): (H, W) probabilities in [0, 1].
        title (str): Above the three.

    Returns:
        Figure: Three panels, 1560 x 520 px.

    Raises:
        ValueError: The shapes of the three differ or one side is below 2.
    """
    if not image.shape[:2] == mask.shape == prob.shape or min(mask.shape) < 2:
        raise ValueError(
            f'image {image.shape[:2]}, mask {mask.shape} and prediction '
            f'{prob.shape} must have one size of at least 2 x 2; resize them'
        )
    figure = Figure(figsize=(15.6, 5.2), dpi=100)
    figure.suptitle(title, y=0.97)
    panels = (
        ('input', to_display(image) / 255),
        ('ground truth', mask.astype(float)),
        ('prediction', prob.astype(float)),
    )
    for place, (name, heights) in enumerate(panels, 1):
        axes = figure.add_subplot(1, 3, place, projection='3d', title=name)
        _draw(axes, heights)
        # a panel's background would cover its neighbor's numbers
        axes.patch.set_alpha(0)
    figure.subplots_adjust(0.01, 0.02, 0.96, 0.89, wspace=0.08)
    return figure


def _draw(axes: Axes3D, heights: np.ndarray) -> None:
    block = max(1, -(-max(heights.shape) // MAX_POINTS))
    peaks = _block_max(heights, block)
    rows, cols = np.indices(peaks.shape) * block
    every = dict(rcount=max(peaks.shape), ccount=max(peaks.shape))
    style = dict(cmap='viridis', vmin=0, vmax=1)
    lines = dict(linewidth=0, antialiased=False)
    axes.plot_surface(cols, rows, peaks, **every, **style, **lines)
    height, width = heights.shape
    axes.set(xlim=(0, width), ylim=(height, 0), zlim=(0, 1))
    axes.set(xlabel='x (px)', ylabel='y (px)')
    longest = max(height, width)
    axes.set_box_aspect((width / longest, height / longest, 0.6))


def _block_max(heights: np.ndarray, block: int) -> np.ndarray:
    padded = np.pad(heights, [(0, -n % block) for n in heights.shape], 'edge')
    rows, cols = (n // block for n in padded.shape)
    return padded.reshape(rows, block, cols, block).max(axis=(1, 3))
