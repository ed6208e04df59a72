"""Geometric transforms that mmcv and mmseg lack; image and masks together.

Flips and rotations by any angle are mmseg's ``RandomFlip`` and
``RandomRotate``.
"""

from collections.abc import Callable

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness

from fdep_mm.registry import TRANSFORMS


def _move(results: dict, move: Callable[[np.ndarray], np.ndarray]) -> dict:
    for key in ('img', *results.get('seg_fields', ())):
        results[key] = np.ascontiguousarray(move(results[key]))
    results['img_shape'] = results['img'].shape[:2]
    return results


@TRANSFORMS.register_module()
class RandomRot90(BaseTransform):
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
        return _move(results, lambda array: np.rot90(array, turns))

    def __repr__(self) -> str:
        return f'{self.__class__.__name__}()'


@TRANSFORMS.register_module()
class RandomTranspose(BaseTransform):
    """Swap rows and columns.

    Args:
        prob (float): Probability. Defaults to 1, for use in
            :class:`RandomDraw`.
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
        return _move(results, lambda array: array.swapaxes(0, 1))

    def __repr__(self) -> str:
        return f'{self.__class__.__name__}(prob={self.prob})'


@TRANSFORMS.register_module()
class RandomShiftScale(BaseTransform):
    """Shift and zoom about the centre; the size of the image stays.

    The image is interpolated bilinearly, masks by nearest neighbour; what
    enters from outside is ``pad_val`` in the image and 0 in masks.

    Args:
        shift (float): Largest shift as a fraction of height and width.
        scale (float): Largest change of scale, 0.2 for factors 0.8 to 1.2.
        pad_val (float): Grey value (0..255) outside the image.
    """

    def __init__(
        self, shift: float = 0.0, scale: float = 0.0, pad_val: float = 0
    ) -> None:
        if not 0 <= scale < 1:
            raise ValueError(f'scale={scale!r}: give 0 <= scale < 1')
        self.shift = shift
        self.scale = scale
        self.pad_val = pad_val

    @cache_randomness
    def matrix(self, shape: tuple[int, int]) -> np.ndarray:
        """Draw the affine map.

        Args:
            shape (tuple[int, int]): Image height and width in px.

        Returns:
            np.ndarray: (2, 3), from old to new (x, y).
        """
        size = np.array(shape[::-1])
        factor = 1 + np.random.uniform(-self.scale, self.scale)
        shift = np.random.uniform(-self.shift, self.shift, 2) * size
        centre = (size - 1) / 2
        offset = (1 - factor) * centre + shift
        return np.column_stack([factor * np.eye(2), offset])

    def transform(self, results: dict) -> dict:
        """Warp ``img`` and all ``seg_fields``."""
        height, width = results['img'].shape[:2]
        matrix = self.matrix((height, width))
        results['img'] = cv2.warpAffine(
            results['img'],
            matrix,
            (width, height),
            flags=cv2.INTER_LINEAR,
            borderValue=(self.pad_val,) * 4,
        )
        for key in results.get('seg_fields', ()):
            results[key] = cv2.warpAffine(
                results[key], matrix, (width, height), flags=cv2.INTER_NEAREST
            )
        return results

    def __repr__(self) -> str:
        return (
            f'{self.__class__.__name__}(shift={self.shift}, '
            f'scale={self.scale}, pad_val={self.pad_val})'
        )
