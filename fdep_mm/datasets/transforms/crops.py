"""Training crops."""

import mmcv
import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness

from fdep_mm.registry import TRANSFORMS


@TRANSFORMS.register_module()
class TargetCrop(BaseTransform):
    """Cut a random window that holds a target with a given probability.

    Smaller images are first padded at the bottom and right. A forced window
    contains a target pixel drawn uniformly from the mask; its position
    around that pixel is uniform. Images without target get a uniform window.

    Source: crops of 256x256, half of them forced, are the habit of the SIRST
    toolkits.

    Args:
        crop_size (tuple[int, int]): Height and width in px.
        target_prob (float): Probability of a forced window.
        pad (bool): Pad smaller images; otherwise they are an error.
        pad_val (float): Grey value (0..255) of the padding; the mask is padded
            with 0.

    Raises:
        ValueError: An image is smaller than the crop and ``pad`` is False,
            or ``target_prob`` is positive and the image has no mask.
    """

    def __init__(
        self,
        crop_size: tuple[int, int],
        target_prob: float = 0.5,
        pad: bool = True,
        pad_val: float = 0,
    ) -> None:
        if len(crop_size) != 2 or min(crop_size) < 1:
            raise ValueError(
                f'crop_size={crop_size!r}: give (height, width) in px'
            )
        if not 0 <= target_prob <= 1:
            raise ValueError(f'target_prob={target_prob!r}: give 0 to 1')
        self.crop_size = tuple(crop_size)
        self.target_prob = target_prob
        self.pad = pad
        self.pad_val = pad_val

    @cache_randomness
    def crop_origin(
        self, shape: tuple[int, int], mask: np.ndarray | None
    ) -> tuple[int, int]:
        """Draw the window's upper left corner.

        Args:
            mask (np.ndarray, optional): (H, W), positive at targets; None
                for a uniform window.
        """
        low = np.zeros(2, int)
        high = np.array(shape) - self.crop_size
        if mask is not None and np.random.rand() < self.target_prob:
            targets = np.argwhere(mask)
            if len(targets):
                pixel = targets[np.random.randint(len(targets))]
                low = np.maximum(low, pixel + 1 - self.crop_size)
                high = np.minimum(high, pixel)
        top, left = np.random.randint(low, high + 1)
        return int(top), int(left)

    def transform(self, results: dict) -> dict:
        """Cut ``img`` and all ``seg_fields`` to ``crop_size``."""
        if self.target_prob > 0 and 'gt_seg_map' not in results:
            raise ValueError(
                f'{results.get("img_path")}: TargetCrop needs a mask to find '
                "targets. Set data_prefix['seg_map_path'] of the data set, "
                'or target_prob=0'
            )
        shape = results['img'].shape[:2]
        if shape[0] < self.crop_size[0] or shape[1] < self.crop_size[1]:
            self._pad(results, shape)
        top, left = self.crop_origin(
            results['img'].shape[:2], results.get('gt_seg_map')
        )
        height, width = self.crop_size
        for key in ('img', *results.get('seg_fields', ())):
            results[key] = results[key][
                top : top + height, left : left + width
            ]
        results['img_shape'] = self.crop_size
        return results

    def _pad(self, results: dict, shape: tuple[int, int]) -> None:
        if not self.pad:
            raise ValueError(
                f'{results.get("img_path")}: crop {self.crop_size} larger '
                f'than the image {shape} (height, width). Use a smaller '
                'crop_size or pad=True'
            )
        target = tuple(np.maximum(shape, self.crop_size).tolist())
        results['img'] = mmcv.impad(
            results['img'],
            shape=target,
            # OpenCV takes a single number for the first channel only.
            pad_val=(self.pad_val,) * results['img'].shape[2],
        )
        for key in results.get('seg_fields', ()):
            results[key] = mmcv.impad(results[key], shape=target, pad_val=0)

    def __repr__(self) -> str:
        return (
            f'{self.__class__.__name__}(crop_size={self.crop_size}, '
            f'target_prob={self.target_prob}, pad={self.pad}, '
            f'pad_val={self.pad_val})'
        )
