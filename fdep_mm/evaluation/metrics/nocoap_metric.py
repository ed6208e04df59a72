"""mNoCoAP of detectors and of segmentation networks."""

from collections.abc import Sequence

import cv2
import numpy as np
from mmengine import fileio
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from fdep_mm.core.boxes import mask_boxes
from fdep_mm.core.choices import check_choice
from fdep_mm.core.image import decode_pages
from fdep_mm.core.noco import OVERLAPS, noco_map
from fdep_mm.registry import METRICS

from ..functional import (
    CENTROID_MODES,
    PEAKS,
    NoCoRecord,
    average_precisions,
    check_pair,
    prob_points,
    record_detections,
)
from .samples import (
    image_name,
    original_shape,
    single_channel,
    to_numpy,
    true_boxes,
)


@METRICS.register_module()
class NoCoAPMetric(BaseMetric):
    """Average precision at nine NoCo thresholds, fractions of 1.

    The definition is in :mod:`fdep_mm.evaluation.functional.nocoap`. Samples
    with ``pred_instances`` are those of a detector: boxes and scores of all
    classes, against ``gt_instances``. Others are those of a segmentation
    network: one point for each region of ``seg_logits``, against the boxes
    of the components of ``gt_sem_seg``. Both in px of the original image:
    load annotations after the resize, as mmdet's and mmseg's test pipelines
    do. ``fdep_mm.PackSIRSTDetInputs`` packs ``instances``, by which another
    order is noticed.

    The true NoCo map is made when an image with targets arrives, from
    ``ori_img`` of the sample, (H, W) or (H, W, C), or else from the file
    ``img_path``. The keys do not tell the centroid mode; a line of the log
    does.

    Args:
        centroid_mode (str): 'box_center' (of the published numbers),
            'pixel_center' or 'noco_peak', which takes
            ``pred_instances.centroids``, (n, 2) x, y in px of the original
            image, from the detector's NoCo map.
            Points of segmentation networks are pixels already.
        overlap (str): See :func:`fdep_mm.evaluation.noco_map`.
        threshold (float): Of segmented regions, exclusive.
        peak (str): Point of a segmented region, 'bounding_box' or 'region',
            see :func:`fdep_mm.evaluation.functional.prob_points`.
        backend_args (dict, optional): File backend of ``img_path``.
        collect_device (str): 'cpu' or 'gpu'.
        prefix (str, optional): Of the keys. Defaults to None: 'sirst'. Two of
            these metrics in one evaluator need different ones: the configs
            have 'pixel' for 'pixel_center', and 'peak' suits 'noco_peak'.

    Example:
        >>> val_evaluator = dict(type='fdep_mm.NoCoAPMetric')
        >>> # default_hooks.checkpoint.save_best = 'sirst/mNoCoAP'
    """

    default_prefix = 'sirst'

    def __init__(
        self,
        centroid_mode: str = 'box_center',
        overlap: str = 'overwrite',
        threshold: float = 0.5,
        peak: str = 'bounding_box',
        backend_args: dict | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        check_choice(
            'centroid_mode', centroid_mode, (*CENTROID_MODES, 'noco_peak')
        )
        check_choice('overlap', overlap, OVERLAPS)
        check_choice('peak', peak, PEAKS)
        self.centroid_mode = centroid_mode
        self.overlap = overlap
        self.threshold = threshold
        self.peak = peak
        self.backend_args = backend_args

    def process(
        self, data_batch: dict | None, data_samples: Sequence[dict]
    ) -> None:
        """Look up the detections of a batch of samples as dicts."""
        mode = self.centroid_mode
        if mode == 'noco_peak':
            mode = 'pixel_center'  # where the peaks are in the pixels
        for sample in data_samples:
            name = image_name(sample, len(self.results))
            if 'pred_instances' in sample:
                shape = original_shape(sample, name)
                found = self._detections(sample['pred_instances'], name)
                boxes = true_boxes(sample, shape, name)
            else:
                prob = single_channel(sample, 'seg_logits', name)
                mask = single_channel(sample, 'gt_sem_seg', name)
                prob, mask = check_pair(prob, mask, name)
                shape = mask.shape
                found = prob_points(prob, self.threshold, peak=self.peak)
                boxes = mask_boxes(mask)
            noco = np.zeros(shape)
            if len(boxes):
                image = self._image(sample, shape, name)
                noco = noco_map(image, boxes, self.overlap)
            self.results.append(
                record_detections(found, noco, boxes, mode, name)
            )

    def compute_metrics(self, results: Sequence[tuple]) -> dict:
        """``mNoCoAP`` and ``NoCoAP10`` ... ``NoCoAP90`` of all images."""
        print_log(
            f'{self.prefix}/mNoCoAP: centroid_mode={self.centroid_mode!r}',
            'current',
        )
        # gathering makes plain tuples of named ones
        records = [NoCoRecord(*result) for result in results]
        return average_precisions(records)

    def _detections(self, instances: dict, name: str) -> np.ndarray:
        """(n, 5) boxes or (n, 3) peaks, with scores."""
        field = 'centroids' if self.centroid_mode == 'noco_peak' else 'bboxes'
        if field not in instances:
            raise ValueError(
                f"{name}: centroid_mode='noco_peak' needs "
                'pred_instances.centroids, which only NoCo heads give; choose '
                "'box_center' or 'pixel_center'"
            )
        places, scores = (to_numpy(instances[k]) for k in (field, 'scores'))
        return np.column_stack([places, scores])

    def _image(
        self, sample: dict, shape: tuple[int, int], name: str
    ) -> np.ndarray:
        """The original image, gray or as it is."""
        image = sample.get('ori_img')
        image = self._read(name) if image is None else image
        if image.shape[:2] != shape:
            raise ValueError(
                f'{name}: the image is {image.shape[:2]} (height, width) and '
                f'its ground truth {shape}; evaluate at the original size'
            )
        return image

    def _read(self, path: str) -> np.ndarray:
        if not fileio.isfile(path, backend_args=self.backend_args):
            raise FileNotFoundError(
                f'{path}: no such file, and NoCo needs the image: add '
                "'ori_img' to meta_keys of the pipeline's packing transform"
            )
        content = fileio.get(path, backend_args=self.backend_args)
        image = decode_pages(content, path)[0]
        if image.ndim == 3:  # as pipelines load it
            image = cv2.cvtColor(image[..., :3], cv2.COLOR_BGR2GRAY)
        return image
