"""What a detector gets; needs mmdet."""

from collections.abc import Sequence

import numpy as np
import torch
from mmdet.datasets.transforms import PackDetInputs
from mmengine.structures import PixelData

from fdep_mm.registry import TRANSFORMS

from .noco import box_array


@TRANSFORMS.register_module()
class PackSIRSTDetInputs(PackDetInputs):
    """mmdet's packing, and the NoCo map beside the boxes.

    ``gt_noco_map``, if there is one, becomes ``data_sample.gt_noco.data``, a
    float32 tensor (1, H, W) of the image's size.

    ``meta_keys`` are mmdet's, and ``ori_img`` and ``instances``, from which
    the metrics make NoCo maps of images without a file, and notice boxes that
    were resized.

    Raises:
        ValueError: The map has another size than the image, or was made
            before a transform that moved the boxes.
    """

    def __init__(self, meta_keys: Sequence[str] = ()) -> None:
        super().__init__()
        own = ('seg_map_path', 'ori_img', 'instances')
        self.meta_keys = tuple(meta_keys) or (*self.meta_keys, *own)

    def transform(self, results: dict) -> dict:
        """Pack ``inputs`` and ``data_samples``."""
        packed = super().transform(results)
        noco = results.get('gt_noco_map')
        if noco is None:
            return packed
        if noco.shape != results['img'].shape[:2]:
            raise ValueError(
                f'{results.get("img_path")}: the NoCo map is {noco.shape} '
                f'and the image {results["img"].shape[:2]} (height, width); '
                'put GenerateNoCoMap behind all transforms that resize'
            )
        boxes = box_array(results.get('gt_bboxes'))
        if not np.array_equal(boxes, results.get('noco_boxes', boxes)):
            raise ValueError(
                f'{results.get("img_path")}: boxes have changed since their '
                'NoCo map was made; put GenerateNoCoMap behind RandomFlip '
                'and all other transforms that move or drop boxes'
            )
        data = torch.from_numpy(noco)[None].float()
        packed['data_samples'].gt_noco = PixelData(data=data)
        return packed
