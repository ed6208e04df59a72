"""Image files and their masks, of which only the sizes are compared."""

from pathlib import Path

import numpy as np
from PIL import Image

from fdep_mm.core.image import unreadable
from fdep_mm.core.masks import read_mask

PILLOW_ERRORS = (OSError, SyntaxError, Image.DecompressionBombError)


def image_shape(path: str | Path) -> tuple[int, int]:
    """Height and width of an image file, px, without decoding it."""
    try:
        with Image.open(path) as image:
            return image.height, image.width
    except PILLOW_ERRORS as error:
        raise unreadable(str(path), 'image', error) from error


def read_sized_mask(
    path: str | Path, shape: tuple[int, int], backend_args: dict | None = None
) -> np.ndarray:
    """Read a mask, (H, W) {0, 1}, of an image of this height and width."""
    mask = read_mask(path, backend_args=backend_args)
    if mask.shape != shape:
        raise ValueError(
            f'{path}: is {mask.shape} and its image {shape} (height, width); '
            'replace one of them'
        )
    return mask
