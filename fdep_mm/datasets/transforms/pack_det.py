"""What a detector gets; needs mmdet."""

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

    Args:
        meta_keys (Sequence[str]): Of the results, what becomes meta
            information; missing ones are left out. Defaults to mmdet's;
            ``ori_img``, from which :class:`fdep_mm.evaluation.NoCoAPMetric`
            makes NoCo maps where ``img_path`` is no file; and ``instances``,
            by which the metrics notice boxes that were resized.

    Raises:
        ValueError: The map has not the size of the image, or was made before
            a transform that moved the boxes.
    """

    def __init__(
        self,
        meta_keys: tuple[str, ...] = (
            'img_id',
            'img_path',
            'seg_map_path',
            'ori_shape',
            'img_shape',
            'scale_factor',
            'flip',
            'flip_direction',
            'ori_img',
            'instances',
        ),
    ) -> None:
        super().__init__(meta_keys=meta_keys)

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
                'put GenerateNoCoMap behind all transforms that change the '
                'size'
            )
        boxes = results.get('noco_boxes')
        if boxes is not None and not np.array_equal(
            boxes, box_array(results.get('gt_bboxes'))
        ):
            raise ValueError(
                f'{results.get("img_path")}: boxes have changed since their '
                'NoCo map was made; put GenerateNoCoMap behind RandomFlip '
                'and all other transforms that move or drop boxes'
            )
        data = torch.from_numpy(noco)[None].float()
        packed['data_samples'].gt_noco = PixelData(data=data)
        return packed
