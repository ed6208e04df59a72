"""One picture of an image and what was found in it; OpenCV only."""

import cv2
import numpy as np

from fdep_mm.core.gray import to_float
from fdep_mm.core.image import enlarge, least_scale

from .results import Prediction

COLOR = (0, 200, 255)  # RGB
MIN_SIDE = 512  # smaller images are enlarged by a whole factor, px
MARGIN = 3  # between a target and its box, so that it stays visible, px
FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw_prediction(prediction: Prediction) -> np.ndarray:
    """Mark the targets with boxes and their scores, (H', W', 3) uint8, RGB.

    The picture is as bright as what the network got; a line below says what
    became black and white, where that is not 0 and 255.
    """
    canvas = to_float(prediction.image, prediction.limits)
    canvas = np.rint(canvas).astype(np.uint8)
    scale = least_scale(prediction.shape, MIN_SIDE)
    canvas = enlarge(canvas, scale)
    for target in prediction.targets:
        x1, y1, x2, y2 = (round(edge * scale) for edge in target.box)
        low, high = (x1 - MARGIN, y1 - MARGIN), (x2 + MARGIN, y2 + MARGIN)
        cv2.rectangle(canvas, low, high, COLOR, 1)
        place = (low[0], low[1] - 4 if low[1] > 16 else high[1] + 14)
        text = f'{target.score:.2f}'
        cv2.putText(canvas, text, place, FONT, 0.4, COLOR, 1, cv2.LINE_AA)
    if prediction.limits != (0, 255):
        low, high = prediction.limits
        text, place = f'gray {low:g} to {high:g}', (4, len(canvas) - 6)
        cv2.putText(canvas, text, place, FONT, 0.4, COLOR, 1, cv2.LINE_AA)
    return canvas
