"""Geometric transforms that mmcv and mmseg lack; image and masks together.

Flips are mmseg's ``RandomFlip``; its ``RandomRotate`` cannot reflect.
"""

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness

from fdep_mm.core.choices import check_choice
from fdep_mm.registry import TRANSFORMS

from .base import ShowsArguments, common_shape, move_fields


@TRANSFORMS.register_module()
class RandomRot90(ShowsArguments, BaseTransform):
    """Turn by 0, 90, 180 or 270 degrees, each equally likely.

    Height and width change places, so crop to a square before.
    """

    @cache_randomness
    def quarter_turns(self) -> int:
        """Draw the number of quarter turns, 0 to 3."""
        return int(np.random.randint(4))

    def transform(self, results: dict) -> dict:
        """Turn ``img`` and all ``seg_fields``."""
        turns = self.quarter_turns()
        return move_fields(results, lambda array: np.rot90(array, turns))


@TRANSFORMS.register_module()
class RandomTranspose(ShowsArguments, BaseTransform):
    """Swap rows and columns.

    Args:
        prob (float): Probability.
    """

    def __init__(self, prob: float = 1.0) -> None:
        self.prob = prob

    @cache_randomness
    def is_applied(self) -> bool:
        """Draw whether to swap."""
        return bool(np.random.rand() < self.prob)

    def transform(self, results: dict) -> dict:
        """Swap the first two axes of ``img`` and all ``seg_fields``."""
        if not self.is_applied():
            return results
        return move_fields(results, lambda array: array.swapaxes(0, 1))


# what lies outside the image; reflect: OpenCV's reflect-101, dcb|abcd|cba
BORDERS = dict(reflect=cv2.BORDER_REFLECT_101, constant=cv2.BORDER_CONSTANT)


@TRANSFORMS.register_module()
class RandomShiftScaleRotate(ShowsArguments, BaseTransform):
    """Shift, zoom and turn about the center; the size of the image stays.

    The image is interpolated bilinearly, masks by nearest neighbor. A
    reflecting border repeats targets near it, in image and mask alike; a
    constant one leaves edges that no camera makes.

    Args:
        shift (float): Largest shift as a fraction of height and width.
        scale (float): Largest change of scale, within [0, 1): 0.2 for factors
            0.8 to 1.2.
        degree (float): Largest angle in degrees, to both sides.
        border (str): 'reflect' or 'constant': ``pad_val`` in the image, 0 in
            masks.
        pad_val (float): Gray value (0..255) of a constant border.
    """

    def __init__(
        self,
        shift: float = 0.0,
        scale: float = 0.0,
        degree: float = 0.0,
        border: str = 'reflect',
        pad_val: float = 0,
    ) -> None:
        if not 0 <= scale < 1:
            raise ValueError(f'scale={scale!r}: give 0 <= scale < 1')
        check_choice('border', border, BORDERS)
        self.shift = shift
        self.scale = scale
        self.degree = degree
        self.border = border
        self.pad_val = pad_val

    @cache_randomness
    def matrix(self, shape: tuple[int, int]) -> np.ndarray:
        """Draw the affine map (2, 3) from old to new (x, y) in px."""
        size = np.array(shape[::-1])
        factor = 1 + np.random.uniform(-self.scale, self.scale)
        angle = np.random.uniform(-self.degree, self.degree)
        center = (size - 1) / 2
        matrix = cv2.getRotationMatrix2D(center.tolist(), angle, factor)
        matrix[:, 2] += np.random.uniform(-self.shift, self.shift, 2) * size
        return matrix

    def transform(self, results: dict) -> dict:
        """Warp ``img`` and all ``seg_fields``."""
        matrix = self.matrix(common_shape(results))
        results['img'] = self._warp(
            results['img'], matrix, cv2.INTER_LINEAR, self.pad_val
        )
        for key in results.get('seg_fields', ()):
            results[key] = self._warp(results[key], matrix, cv2.INTER_NEAREST)
        return results

    def _warp(
        self, array: np.ndarray, matrix: np.ndarray, flags: int, pad: float = 0
    ) -> np.ndarray:
        return cv2.warpAffine(
            array,
            matrix,
            array.shape[1::-1],
            flags=flags,
            borderMode=BORDERS[self.border],
            borderValue=(pad,) * 4,
        )
