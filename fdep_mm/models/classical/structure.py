"""Local structure of an image, a prior of the patch-tensor models."""

import cv2
import numpy as np


def structure_tensor(
    image: np.ndarray, sigma: float, tensor_sigma: float
) -> tuple[np.ndarray, np.ndarray]:
    """Larger and smaller eigenvalues of the structure tensor, (H, W) each.

    Image and tensor are smoothed by 3x3 Gaussians of `sigma` and
    `tensor_sigma` px.
    """
    smooth = _gaussian(image, sigma)
    dy, dx = np.gradient(smooth)
    xx, xy, yy = (_gaussian(p, tensor_sigma) for p in (dx**2, dx * dy, dy**2))
    mean = (xx + yy) / 2
    half = np.sqrt((xx - yy) ** 2 + 4 * xy**2) / 2
    return mean + half, mean - half


def scale_to_unit(values: np.ndarray) -> np.ndarray:
    """Scale to 0..1; a constant gives 0."""
    span = np.ptp(values)
    return (values - values.min()) / span if span else np.zeros_like(values)


def _gaussian(image: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(
        image, (3, 3), sigma, borderType=cv2.BORDER_REFLECT
    )
