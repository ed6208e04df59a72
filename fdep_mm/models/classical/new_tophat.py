"""New top-hat (NWTH): a top-hat that compares with a ring around the target.

Bai, Zhou, *Analysis of new top-hat transformation and the application for
infrared dim small target detection*, Pattern Recognition 43(6), 2010.
"""

import cv2
import numpy as np

from .score import score_map


@score_map
def new_tophat(
    image: np.ndarray, outer: int = 9, inner: int = 4
) -> np.ndarray:
    """Image minus the erosion of its dilation by a ring, never negative.

    The ring is the square of half-width `outer` without the square of
    half-width `inner`; the erosion is by the outer square. The border is
    replicated, which continues a target centered on the outermost row or
    column into its own ring: such targets are lost.

    Args:
        outer (int): px.
        inner (int): px, less than `outer`. Targets must fit inside the inner
            square.
    """
    if not 0 <= inner < outer:
        raise ValueError(
            f'need 0 <= inner < outer, got inner={inner}, outer={outer}'
        )
    image = image.astype(np.float32)
    square = np.ones((2 * outer + 1, 2 * outer + 1), np.uint8)
    ring, width = square.copy(), outer - inner
    ring[width:-width, width:-width] = 0
    border = cv2.BORDER_REPLICATE
    surroundings = cv2.dilate(image, ring, borderType=border)
    eroded = cv2.erode(surroundings, square, borderType=border)
    return image - np.minimum(image, eroded)
