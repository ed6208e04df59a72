"""What SIRSTMetric and HSEMetric share: one record of counts per image."""

from collections.abc import Sequence

import numpy as np
from mmengine.evaluator import BaseMetric

from fdep_mm.core.foreground import foreground

from ..functional import (
    EvalProtocol,
    check_empty,
    count_image,
    scale_scores,
    summarise,
)


class CountMetric(BaseMetric):
    """Appends one fixed-length vector of integers per image.

    Vectors are small, so that gathering them from all ranks is cheap, and
    there is exactly one per image, so that MMEngine can cut the images a
    distributed sampler pads with.

    Attributes:
        curves (dict[str, np.ndarray] | None): See
            :func:`fdep_mm.evaluation.evaluate_curves`. All three are of the
            last evaluation and set on the main process only.

    Raises:
        ValueError: If `empty` is unknown.
    """

    keys = ('HSE', 'HSE_P', 'HSE_T', 'IoU', 'nIoU', 'Pd', 'Fa')

    def __init__(
        self,
        protocol: EvalProtocol,
        empty: str,
        collect_device: str,
        prefix: str | None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.protocol = protocol
        self.empty = check_empty(empty)
        self.records: Sequence[np.ndarray] | None = None
        self.scores: dict[str, float] | None = None
        self.curves: dict[str, np.ndarray] | None = None

    def process(
        self, data_batch: dict | None, data_samples: Sequence[dict]
    ) -> None:
        """Count the images of a batch.

        Args:
            data_samples (Sequence[dict]): ``SegDataSample``s as dicts with
                ``seg_logits.data``, see
                :func:`fdep_mm.core.foreground.foreground`, and
                ``gt_sem_seg.data`` (1, H, W); tensors on any device.

        Raises:
            TypeError: See :func:`fdep_mm.evaluation.evaluate_masks`.
            ValueError: As there; also if a sample has no ground truth or more
                than two output channels.
        """
        for sample in data_samples:
            name = sample.get('img_path') or f'image {len(self.results)}'
            prob = single_channel(sample, 'seg_logits', name)
            mask = single_channel(sample, 'gt_sem_seg', name)
            self.results.append(
                count_image(prob, mask, self.protocol, str(name))
            )

    def compute_metrics(self, results: Sequence[np.ndarray]) -> dict:
        """Reduce the records of all images, and keep what they give.

        Returns:
            dict: The scores in `keys`, all x100 but Fa, which is x1e6.
        """
        self.records = results
        self.scores, self.curves = summarise(
            results, self.protocol, self.empty
        )
        return scale_scores({key: self.scores[key] for key in self.keys})


def single_channel(sample: dict, field: str, name: str) -> np.ndarray:
    """Take the map of targets out of a sample of mmseg.

    Returns:
        np.ndarray: (H, W).

    Raises:
        ValueError: The field is missing or has too many channels.
    """
    if field not in sample:
        raise ValueError(
            f'{name}: the data sample has no {field!r}; the pipeline must '
            'load annotations and the model must be a segmentor'
        )
    data = sample[field]['data'].detach().cpu()
    if field == 'seg_logits':
        # numpy has no bfloat16, which autocast leaves in predictions
        data = foreground(data.float(), name)
    if data.dim() != 3 or len(data) != 1:
        raise ValueError(
            f'{name}: {field} must be (1, H, W), got {tuple(data.shape)}'
        )
    return data[0].numpy()
