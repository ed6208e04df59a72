"""One picture of an image and what was found in it; OpenCV only."""

import cv2
import numpy as np

from fdep_mm.core.gray import to_float

from .results import Prediction

COLOR = (0, 200, 255)  # RGB
FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw_prediction(
    prediction: Prediction, min_side: int = 512, margin: int = 3
) -> np.ndarray:
    """Mark the targets with boxes and their scores.

    The picture is as bright as what the network got; a line below says what
    became black and white, where that is not 0 and 255.

    Args:
        min_side (int): Smaller images are enlarged by the smallest integer
            factor that makes their shorter side at least this, px.
        margin (int): Between a target's box and what is drawn, px of the
            picture, so that the target stays visible.

    Returns:
        np.ndarray: (H', W', 3) uint8, RGB.
    """
    canvas = to_float(prediction.image, prediction.limits)
    canvas = np.rint(canvas).astype(np.uint8)
    scale = max(1, -(-min_side // min(canvas.shape[:2])))
    canvas = canvas.repeat(scale, axis=0).repeat(scale, axis=1)
    for target in prediction.targets:
        x1, y1, x2, y2 = (round(edge * scale) for edge in target.box)
        low = (x1 - margin, y1 - margin)
        cv2.rectangle(canvas, low, (x2 + margin, y2 + margin), COLOR, 1)
        place = (low[0], low[1] - 4 if low[1] > 16 else y2 + margin + 14)
        text = f'{target.score:.2f}'
        cv2.putText(canvas, text, place, FONT, 0.4, COLOR, 1, cv2.LINE_AA)
    if prediction.limits != (0, 255):
        low, high = prediction.limits
        text, place = f'gray {low:g} to {high:g}', (4, len(canvas) - 6)
        cv2.putText(canvas, text, place, FONT, 0.4, COLOR, 1, cv2.LINE_AA)
    return canvas
