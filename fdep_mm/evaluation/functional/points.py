"""Pixels that stand for detections: of boxes, and of probability maps."""

import numpy as np
from scipy import ndimage

from fdep_mm.core.choices import check_choice
from fdep_mm.core.components import STRUCTURES

PEAKS = ('bounding_box', 'region')


def noco_peaks(
    boxes: np.ndarray,
    pred_noco: np.ndarray | None,
    shape: tuple[int, int],
    name: str = 'image',
) -> np.ndarray:
    """(n, 2) x, y of the largest predicted NoCo value in each box, (n, 4).

    All pixels that a box touches count, of an empty one the pixel that holds
    its corner. A box wholly outside the image, of `shape` (H, W), gets the
    pixel of its center, outside too.
    """
    found = None if pred_noco is None else np.shape(pred_noco)
    if found != tuple(shape):
        raise ValueError(
            f"{name}: centroid_mode='noco_peak' needs the predicted NoCo map "
            f'{tuple(shape)} (height, width), got {found}; resize it'
        )
    size = np.array([shape[1], shape[0]])
    first = np.clip(np.floor(boxes[:, :2]), 0, size - 1).astype(int)
    last = np.clip(np.ceil(boxes[:, 2:]), first + 1, size).astype(int)
    peaks = np.floor((boxes[:, :2] + boxes[:, 2:]) / 2)
    touches = (boxes[:, 2:] > 0) & (boxes[:, :2] < size)
    for i in np.flatnonzero(touches.all(axis=1)):
        (x1, y1), (x2, y2) = first[i], last[i]
        inside = pred_noco[y1:y2, x1:x2]
        y, x = np.unravel_index(inside.argmax(), inside.shape)
        peaks[i] = x1 + x, y1 + y
    return peaks


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
