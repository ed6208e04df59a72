"""What SIRSTMetric and HSEMetric share: one record of counts per image."""

from collections.abc import Sequence

import numpy as np
from mmengine.evaluator import BaseMetric

from fdep_mm.core.foreground import foreground

from ..functional import EvalProtocol, check_empty, count_image


class CountMetric(BaseMetric):
    """Appends one fixed-length vector of integers per image.

    Vectors are small, so that gathering them from all ranks is cheap, and
    there is exactly one per image, so that MMEngine can cut the images a
    distributed sampler pads with.

    Args:
        protocol (EvalProtocol): What to count.
        empty (str): IoU of an image without target and foreground: 'one',
            'zero' or 'skip'.
        collect_device (str): 'cpu' or 'gpu', where ranks are merged.
        prefix (str, optional): Of the keys; None takes `default_prefix`.

    Raises:
        ValueError: If `empty` is unknown.
    """

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

    def process(
        self, data_batch: dict | None, data_samples: Sequence[dict]
    ) -> None:
        """Count the images of a batch.

        Args:
            data_batch (dict | None): Not used.
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


def single_channel(sample: dict, field: str, name: str) -> np.ndarray:
    """Take the map of targets out of a sample of mmseg.

    Args:
        sample (dict): ``SegDataSample`` as a dict.
        field (str): ``'seg_logits'`` or ``'gt_sem_seg'``.
        name (str): What error messages call the image.

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
