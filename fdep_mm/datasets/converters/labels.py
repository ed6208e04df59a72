"""What every label format holds about one image."""

from typing import NamedTuple

import numpy as np


class ImageLabels(NamedTuple):
    """The targets of one image.

    Attributes:
        image_id (str): Name without suffix, with / between folders.
        file_name (str): Of the image, with suffix.
        shape (tuple[int, int]): Height and width in px.
        boxes (np.ndarray): (G, 4) float64, x1, y1, x2, y2, 0-based and
            half-open in px.
        segmentations (list[dict | list | None] | None): For each box its
            mask: run lengths, see :func:`~.rle.encode_rle`; polygons, see
            :func:`~.polygons.polygons_to_mask`; or None if it has none. None
            where a format has none at all.
    """

    image_id: str
    file_name: str
    shape: tuple[int, int]
    boxes: np.ndarray
    segmentations: list[dict | list | None] | None = None
