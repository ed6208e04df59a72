"""Pd and Fa of detectors, beside those of segmentation networks."""

import math
import warnings
from collections.abc import Sequence

import numpy as np
from mmengine.evaluator import BaseMetric

from fdep_mm.core.choices import check_choice
from fdep_mm.core.components import mask_components
from fdep_mm.core.masks import read_mask
from fdep_mm.registry import METRICS

from ..functional import (
    EvalProtocol,
    box_components,
    count_boxes,
    scale_scores,
)
from .samples import (
    image_name,
    instances,
    original_shape,
    to_numpy,
    true_boxes,
)


@METRICS.register_module()
class BoxPdFaMetric(BaseMetric):
    """The two target-level numbers of :class:`SIRSTMetric`, for boxes.

    A detection is a box whose score is above `threshold`. It stands for the
    pixels whose centers it holds; their centroid is compared with those of
    the targets, by the same matching as in segmentation, except that a target
    takes the best-scored box within `radius` first, and that overlapping
    boxes remain detections of their own.

    * ``Pd``: x100; targets hit / targets. NaN, with a warning, if the set
      holds no target.
    * ``Fa``: x1e6; pixels in some box but in none that hits a target, each
      counted once / all pixels. A hit box is not charged for the background
      it covers, as a hit region is not in segmentation.

    Boxes are larger than what a segmentation network marks, and scores are
    no probabilities: compare at thresholds of equal Pd or equal Fa.

    Args:
        threshold (float): Of the scores, exclusive.
        targets (str): 'mask': components of the ground-truth mask, read from
            the file ``seg_map_path`` of the sample; 'box': the pixels of its
            ``gt_instances.bboxes``, for data without masks. Both at the
            original size of the image.
        radius, match, connectivity, collect_device, prefix: See
            :class:`SIRSTMetric`.
        backend_args (dict, optional): File backend of ``seg_map_path``.

    Example:
        >>> # python tools/test.py CONFIG CHECKPOINT \\
        >>> #     --metric type=fdep_mm.BoxPdFaMetric threshold=0.05
        >>> test_evaluator = dict(type='fdep_mm.BoxPdFaMetric', threshold=0.3)
    """

    default_prefix = 'sirst'

    def __init__(
        self,
        threshold: float = 0.5,
        targets: str = 'mask',
        radius: float = 3.0,
        match: str = 'greedy',
        connectivity: int = 8,
        backend_args: dict | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        check_choice('targets', targets, ('mask', 'box'))
        self.protocol = EvalProtocol(
            [threshold], (), threshold, radius, match, connectivity
        )
        self.targets = targets
        self.backend_args = backend_args

    def process(
        self, data_batch: dict | None, data_samples: Sequence[dict]
    ) -> None:
        """Count the images of a batch, ``DetDataSample``s as dicts."""
        for sample in data_samples:
            name = image_name(sample, len(self.results))
            shape = original_shape(sample, name)
            if self.targets == 'mask':
                mask = self._mask(sample, shape, name)
                targets = mask_components(mask, self.protocol.connectivity)
            else:
                boxes = true_boxes(sample, shape, name)
                targets = box_components(boxes, shape)
            found = self._detections(sample, name)
            rules = self.protocol.radius, self.protocol.match
            self.results.append(count_boxes(found, targets, shape, *rules))

    def compute_metrics(self, results: Sequence[np.ndarray]) -> dict:
        """Pd (x100) and Fa (x1e6) of all images."""
        pixels, targets, hits, false_pixels = np.sum(results, axis=0)
        if not targets:
            warnings.warn(
                f'none of the {len(results)} images holds a target: Pd is '
                'undefined (NaN); check the annotations',
                stacklevel=2,
            )
        pd = float(hits / targets) if targets else math.nan
        return scale_scores(dict(Pd=pd, Fa=float(false_pixels / pixels)))

    def _detections(self, sample: dict, name: str) -> np.ndarray:
        """(n, 4) boxes above the threshold, best first."""
        found = instances(sample, 'pred', name)
        boxes, scores = to_numpy(found['bboxes']), to_numpy(found['scores'])
        if not np.isfinite(boxes).all() or np.isnan(scores).any():
            raise ValueError(
                f'{name}: a predicted box or score is not finite; the network '
                'has diverged'
            )
        order = np.argsort(-scores, kind='stable')
        # in float32, as masks: a score of 0.4 is not above 0.4
        return boxes[order[scores[order] > self.protocol.grid[0]]]

    def _mask(
        self, sample: dict, shape: tuple[int, int], name: str
    ) -> np.ndarray:
        path = sample.get('seg_map_path')
        if path is None:
            raise ValueError(
                f"{name}: the data sample has no 'seg_map_path'; set the data "
                "set's data_prefix['seg_map_path'] and pack that meta key, or "
                "count boxes with BoxPdFaMetric(targets='box')"
            )
        return read_mask(path, None, self.backend_args, shape)
