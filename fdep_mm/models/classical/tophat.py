"""White top-hat: what an opening removes.

Tom, Peli, Leung, Bondaryk, *Morphology-based algorithm for point target
detection in infrared backgrounds*, Proc. SPIE 1954, 1993.
"""

import cv2
import numpy as np

from .cells import check_odd
from .score import score_map

SHAPES = {'square': cv2.MORPH_RECT, 'disk': cv2.MORPH_ELLIPSE}


@score_map
def tophat(
    image: np.ndarray, size: int = 5, shape: str = 'square'
) -> np.ndarray:
    """White top-hat: image minus opening.

    Args:
        size (int): Side of the structuring element, px, odd. Targets must fit
            inside; 3 px lose those that are wider.
        shape (str): 'square' or 'disk'.
    """
    check_odd('size', size)
    if shape not in SHAPES:
        raise ValueError(f'shape={shape!r}: give one of {[*SHAPES]}')
    element = cv2.getStructuringElement(SHAPES[shape], (size, size))
    return cv2.morphologyEx(
        image.astype(np.float32), cv2.MORPH_TOPHAT, element
    )
