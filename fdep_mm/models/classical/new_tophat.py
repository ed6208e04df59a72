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
    replicated, which continues a target centred on the outermost row or
    column into its own ring: such targets are lost.

    Args:
        image (np.ndarray): (H, W) in 0..255, see :func:`.score.as_grey`.
        outer (int): px.
        inner (int): px, less than `outer`. Targets must fit inside the inner
            square.

    Returns:
        np.ndarray: (H, W) float32 score map in [0, 1].

    Raises:
        ValueError: If not 0 <= inner < outer.
    """
    if not 0 <= inner < outer:
        raise ValueError(
            f'need 0 <= inner < outer, got inner={inner}, outer={outer}'
        )
    image = image.astype(np.float32)
    surroundings = ring_maximum(image, outer, inner)
    square = np.ones((2 * outer + 1, 2 * outer + 1), np.uint8)
    eroded = cv2.erode(surroundings, square, borderType=cv2.BORDER_REPLICATE)
    return image - np.minimum(image, eroded)


def ring_maximum(image: np.ndarray, outer: int, inner: int) -> np.ndarray:
    """Maximum over a square ring, by its four bars (corners twice).

    Args:
        image (np.ndarray): (H, W) float32.
        outer (int): Half-width of the ring, px.
        inner (int): Half-width of its hole, px.

    Returns:
        np.ndarray: (H, W), border replicated.
    """
    height, width = image.shape
    side, bar = 2 * outer + 1, outer - inner
    padded = cv2.copyMakeBorder(
        image, side, side, side, side, cv2.BORDER_REPLICATE
    )
    # OpenCV anchors an even kernel at bar // 2.
    near = inner + 1 + bar // 2
    far = inner + bar - bar // 2
    flat = cv2.dilate(padded, np.ones((bar, side), np.uint8))
    upright = cv2.dilate(padded, np.ones((side, bar), np.uint8))

    def shifted(maxima: np.ndarray, dy: int, dx: int) -> np.ndarray:
        top, left = side + dy, side + dx
        return maxima[top : top + height, left : left + width]

    return np.maximum.reduce(
        [
            shifted(flat, near, 0),
            shifted(flat, -far, 0),
            shifted(upright, 0, near),
            shifted(upright, 0, -far),
        ]
    )
