"""Pixels that stand for the detections of segmentation networks."""

import numpy as np

from fdep_mm.core.choices import check_choice
from fdep_mm.core.components import component_crops

PEAKS = ('bounding_box', 'region')


def prob_points(
    prob: np.ndarray,
    threshold: float = 0.5,
    connectivity: int = 8,
    peak: str = 'bounding_box',
) -> np.ndarray:
    """Detections of a segmentation network: one peak for each region.

    Args:
        prob (np.ndarray): (H, W) in [0, 1].
        threshold (float): Regions are components of ``prob > threshold``.
        connectivity (int): 8 or 4.
        peak (str): The first pixel of the largest probability in the region's
            'bounding_box', as in the paper's toolkit, or in the 'region'.
            They differ where regions interlock.

    Returns:
        np.ndarray: (n, 3) x, y, score.
    """
    check_choice('peak', peak, PEAKS)
    points = []
    for (rows, cols), own in component_crops(prob > threshold, connectivity):
        inside = prob[rows, cols]
        if peak == 'region':
            inside = np.where(own, inside, -np.inf)
        y, x = np.unravel_index(inside.argmax(), inside.shape)
        points.append((cols.start + x, rows.start + y, inside[y, x]))
    return np.array(points, np.float64).reshape(-1, 3)
