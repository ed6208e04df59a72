"""NoCo maps as training targets."""

import numpy as np
from mmcv.transforms import BaseTransform

from fdep_mm.core.choices import check_choice
from fdep_mm.core.noco import OVERLAPS, noco_map
from fdep_mm.registry import TRANSFORMS

from .base import ShowsArguments


@TRANSFORMS.register_module()
class GenerateNoCoMap(ShowsArguments, BaseTransform):
    """Make the NoCo map of the image and boxes as they are at this point.

    Put it behind everything that moves or resizes the image, RandomFlip too;
    :class:`PackSIRSTDetInputs` notices if boxes move later. See
    :func:`fdep_mm.evaluation.noco_map`. It takes the mean over the channels,
    the metric OpenCV's luminance, which differs in tinted files that
    ``fdep_mm.LoadInfraredImage`` did not make gray.

    Needs ``img`` (H, W) or (H, W, C) and ``gt_bboxes`` (G, 4); adds
    ``gt_noco_map``, (H, W) float32 in [0, 1), and ``noco_boxes``, (G, 4), the
    boxes that it was made of.

    Args:
        overlap (str): Where windows of targets overlap, 'overwrite', the
            rule of the paper's toolkit, or 'max'.

    Raises:
        ValueError: There are no boxes, or one is empty, inverted or not
            inside the image.
    """

    def __init__(self, overlap: str = 'overwrite') -> None:
        check_choice('overlap', overlap, OVERLAPS)
        self.overlap = overlap

    def transform(self, results: dict) -> dict:
        """Add ``gt_noco_map``."""
        name = results.get('img_path')
        if 'gt_bboxes' not in results:
            raise ValueError(
                f'{name}: has no gt_bboxes; put '
                'LoadAnnotations(with_bbox=True) before GenerateNoCoMap'
            )
        boxes = box_array(results['gt_bboxes'])
        try:
            noco = noco_map(results['img'], boxes, self.overlap)
        except ValueError as error:
            raise ValueError(
                f'{name}, after the transforms before GenerateNoCoMap: {error}'
            ) from error
        results['gt_noco_map'] = noco.astype(np.float32)
        results['noco_boxes'] = boxes
        return results


def box_array(boxes: object) -> np.ndarray:
    """Copy boxes (G, 4), of an array or mmdet's box class, into an array."""
    return np.array(getattr(boxes, 'tensor', boxes))
