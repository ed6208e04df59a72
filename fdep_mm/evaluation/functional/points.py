"""Pixels that stand for the detections of segmentation networks."""

import numpy as np
from scipy import ndimage

from fdep_mm.core.choices import check_choice
from fdep_mm.core.components import STRUCTURES

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
    labels, num = ndimage.label(prob > threshold, STRUCTURES[connectivity])
    points = np.empty((num, 3))
    for i, (rows, cols) in enumerate(ndimage.find_objects(labels)):
        inside = prob[rows, cols]
        if peak == 'region':
            own = labels[rows, cols] == i + 1
            inside = np.where(own, inside, -np.inf)
        y, x = np.unravel_index(inside.argmax(), inside.shape)
        points[i] = cols.start + x, rows.start + y, inside[y, x]
    return points
