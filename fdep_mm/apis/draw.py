"""One picture of an image and what was found in it; OpenCV only."""

import cv2
import numpy as np

from .results import Prediction

COLOR = (0, 200, 255)  # RGB
FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw_prediction(
    prediction: Prediction, min_side: int = 512, margin: int = 3
) -> np.ndarray:
    """Mark the targets with boxes and their scores.

    Args:
        min_side (int): Smaller images are enlarged by the smallest integer
            factor that makes their shorter side at least this, px.
        margin (int): Between a target's box and what is drawn, px of the
            picture, so that the target stays visible.

    Returns:
        np.ndarray: (H', W', 3) uint8, RGB.
    """
    grey = _to_display(prediction.image)
    scale = max(1, -(-min_side // min(grey.shape)))
    grey = grey.repeat(scale, axis=0).repeat(scale, axis=1)
    canvas = cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)
    for target in prediction.targets:
        x1, y1, x2, y2 = (round(edge * scale) for edge in target.box)
        low = (x1 - margin, y1 - margin)
        cv2.rectangle(canvas, low, (x2 + margin, y2 + margin), COLOR, 1)
        place = (low[0], low[1] - 4 if low[1] > 16 else y2 + margin + 14)
        text = f'{target.score:.2f}'
        cv2.putText(canvas, text, place, FONT, 0.4, COLOR, 1, cv2.LINE_AA)
    return canvas


def _to_display(image: np.ndarray) -> np.ndarray:
    """8-bit grey; 16-bit from its minimum to its maximum."""
    if image.ndim == 3:
        image = cv2.cvtColor(image[..., :3], cv2.COLOR_BGR2GRAY)
    if image.dtype == np.uint8:
        return image
    return cv2.normalize(image, None, 0, 255, cv2.NORM_MINMAX, cv2.CV_8U)
