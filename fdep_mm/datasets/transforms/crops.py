"""Training crops."""

import mmcv
import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness
from mmengine.utils import to_2tuple

from fdep_mm.registry import TRANSFORMS

from .base import ShowsArguments, common_shape, move_fields


@TRANSFORMS.register_module()
class TargetCrop(ShowsArguments, BaseTransform):
    """Cut a random window that holds a target with a given probability.

    Smaller images are first padded at the bottom and right. A forced window
    lies uniformly around a target pixel drawn uniformly from the mask. Images
    without target get a uniform window.

    Source: SIRST toolkits cut 256x256 px, half of the windows forced.

    Args:
        crop_size (tuple[int, int] | int): Height and width in px.
        target_prob (float): Probability of a forced window.
        pad_val (float): Gray value (0..255) of the padding; masks are padded
            with 0.

    Raises:
        ValueError: ``target_prob`` is positive and the image has no mask, or
            the mask has another size.
    """

    def __init__(
        self,
        crop_size: tuple[int, int] | int,
        target_prob: float = 0.5,
        pad_val: float = 0,
    ) -> None:
        crop_size = to_2tuple(crop_size)
        if len(crop_size) != 2 or min(crop_size) < 1:
            text = 'give (height, width) in px'
            raise ValueError(f'crop_size={crop_size!r}: {text}')
        if not 0 <= target_prob <= 1:
            raise ValueError(f'target_prob={target_prob!r}: give 0 to 1')
        self.crop_size = tuple(crop_size)
        self.target_prob = target_prob
        self.pad_val = pad_val

    @cache_randomness
    def crop_origin(
        self, shape: tuple[int, int], mask: np.ndarray | None
    ) -> tuple[int, int]:
        """Draw row and column of the window's upper left corner."""
        low = np.zeros(2, int)
        high = np.array(shape) - self.crop_size
        if mask is not None and np.random.rand() < self.target_prob:
            targets = np.argwhere(mask)
            if len(targets):
                # large targets are drawn more often: uniform over pixels
                pixel = targets[np.random.randint(len(targets))]
                low = np.maximum(low, pixel + 1 - self.crop_size)
                high = np.minimum(high, pixel)
        top, left = np.random.randint(low, high + 1)
        return int(top), int(left)

    def transform(self, results: dict) -> dict:
        """Cut ``img`` and all ``seg_fields`` to ``crop_size``."""
        if self.target_prob > 0 and 'gt_seg_map' not in results:
            raise ValueError(
                f'{results.get("img_path")}: TargetCrop needs a mask; set '
                "data_prefix['seg_map_path'], or target_prob=0"
            )
        self._pad(results)
        top, left = self.crop_origin(
            results['img'].shape[:2], results.get('gt_seg_map')
        )
        height, width = self.crop_size
        window = np.s_[top : top + height, left : left + width]
        return move_fields(results, lambda array: array[window])

    def _pad(self, results: dict) -> None:
        shape = common_shape(results)
        padded = tuple(np.maximum(shape, self.crop_size).tolist())
        if padded == shape:
            return
        # OpenCV takes a single number for the first channel only.
        gray = (self.pad_val,) * results['img'].shape[2]
        results['img'] = mmcv.impad(results['img'], shape=padded, pad_val=gray)
        for key in results.get('seg_fields', ()):
            results[key] = mmcv.impad(results[key], shape=padded, pad_val=0)
