"""IoU, nIoU, Pd and Fa at one threshold."""

from collections.abc import Sequence

import numpy as np
from mmengine.evaluator import BaseMetric

from fdep_mm.registry import METRICS

from ..functional import (
    EvalProtocol,
    count_image,
    reduce_records,
    scale_scores,
)
from .samples import image_name, single_channel


@METRICS.register_module()
class SIRSTMetric(BaseMetric):
    """The field's four numbers at one threshold, as it prints them.

    * ``IoU``: x100; foreground pixels of the whole set, intersection / union.
      Not mIoU: the background is no class.
    * ``nIoU``: x100; mean of the per-image IoU.
    * ``Pd``: x100; targets hit / targets.
    * ``Fa``: x1e6; pixels of detections that hit no target / all pixels. The
      widespread code drops false detections whose area equals the area of
      any hit; this one does not, so it gives slightly more.

    If the set holds no target, all but Fa are NaN, with a warning.

    A target is hit by a detection if their centroids are less than `radius`
    apart, one to one. Distances are absolute: evaluate at the original size.

    Args:
        threshold (float): Foreground is ``prob > threshold``.
        radius (float): In px; hit if the distance is < radius.
        match (str): 'greedy' (the field's rule) or 'hungarian'.
        connectivity (int): Of targets and detections, 8 or 4.
        empty (str): IoU of an image without target and without foreground:
            'one', 'zero' or 'skip'.
        collect_device (str): 'cpu' or 'gpu'.
        prefix (str, optional): Of the keys. Defaults to None: 'sirst'.

    Example:
        >>> val_evaluator = dict(type='fdep_mm.SIRSTMetric')
        >>> # default_hooks.checkpoint.save_best = 'sirst/IoU'
    """

    default_prefix = 'sirst'
    keys = ('IoU', 'nIoU', 'Pd', 'Fa')

    def __init__(
        self,
        threshold: float = 0.5,
        radius: float = 3.0,
        match: str = 'greedy',
        connectivity: int = 8,
        empty: str = 'one',
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.protocol = EvalProtocol(
            [threshold], (), threshold, radius, match, connectivity, empty
        )
        # of the last evaluation, on the main process: counts of each image in
        # the order of the data set, fractions, see evaluate_curves
        self.records = self.scores = self.curves = None

    def process(
        self, data_batch: dict | None, data_samples: Sequence[dict]
    ) -> None:
        """Count the images of a batch, ``SegDataSample``s as dicts.

        One vector of integers of fixed length per image is small to gather,
        and MMEngine can cut off what a distributed sampler pads with.
        """
        for sample in data_samples:
            name = image_name(sample, len(self.results))
            prob = single_channel(sample, 'seg_logits', name)
            mask = single_channel(sample, 'gt_sem_seg', name)
            self.results.append(count_image(prob, mask, self.protocol, name))

    def compute_metrics(self, results: Sequence[np.ndarray]) -> dict:
        """The scores in `keys`, all x100 but Fa, which is x1e6."""
        self.records = results
        self.scores, self.curves = reduce_records(results, self.protocol)
        return scale_scores({key: self.scores[key] for key in self.keys})
