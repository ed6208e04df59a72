"""What every label format holds about one image."""

from typing import NamedTuple

import numpy as np

from fdep_mm.core import run_lengths
from fdep_mm.core.components import component_crops

from .regions import boxes_to_mask, points_to_mask
from .segmentations import to_mask


class ImageLabels(NamedTuple):
    """The targets of one image, as boxes or as points."""

    image_id: str
    file_name: str
    shape: tuple[int, int]  # height and width, px
    # (G, 4) float64, x1, y1, x2, y2, 0-based and half-open, px
    boxes: np.ndarray | None = None
    # run lengths or polygons of each box, if the format has them
    segmentations: list[dict | list | None] | None = None
    # (G, 2) float64, x and y, px, 0 being the center of the first pixel
    points: np.ndarray | None = None


def mask_labels(
    mask: np.ndarray, image_id: str, file_name: str
) -> ImageLabels:
    """Box and exact shape of each 8-connected component of a mask (H, W)."""
    boxes, codes = [], []
    for (rows, cols), pixels in component_crops(mask):
        start = cols.start, rows.start
        boxes.append((*start, cols.stop, rows.stop))
        codes.append(run_lengths.encode(pixels, start, mask.shape))
    boxes = np.array(boxes, np.float64).reshape(-1, 4)
    return ImageLabels(image_id, file_name, mask.shape, boxes, codes)


def draw_labels(
    labels: ImageLabels,
    fill: str | None = None,
    radius: int = 0,
    contour: bool = False,
) -> np.ndarray:
    """Draw the targets of an image as a mask, uint8 (H, W) {0, 1}.

    Args:
        fill (str, optional): 'box' or 'ellipse'. Default: the segmentation of
            each target that has one, else 'box'.
        radius (int): Of points, px.
        contour (bool): See :func:`~.segmentations.polygons_to_mask`.

    Raises:
        ValueError: A target lies outside the image.
    """
    if labels.boxes is None:
        return points_to_mask(labels.points, labels.shape, radius)
    codes = labels.segmentations if fill is None else None
    codes = codes or [None] * len(labels.boxes)
    boxed = np.array([not code for code in codes], bool)
    mask = boxes_to_mask(labels.boxes[boxed], labels.shape, fill or 'box')
    for code in filter(None, codes):
        mask |= to_mask(code, labels.shape, contour)
    return mask
