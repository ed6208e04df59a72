"""The image behind a prediction, and the mask that was scored."""

from collections.abc import Mapping
from pathlib import Path

import mmcv
import numpy as np
from mmengine.evaluator import Evaluator
from mmseg.structures import SegDataSample
from torch import Tensor

from fdep_mm.core.foreground import foreground
from fdep_mm.evaluation import SIRSTMetric
from fdep_mm.evaluation.functional import EvalProtocol
from fdep_mm.visualization import draw_overlay


def batch_image(
    sample: SegDataSample, batch: Mapping, i: int, shape: tuple[int, int]
) -> np.ndarray:
    """Image `i` of a batch, from its file if there is one.

    Args:
        batch (Mapping): From the data loader: ``inputs``, a tensor (C, H, W)
            per image, or with test-time augmentation a list of those per view,
            of which the first is taken.
        shape (tuple[int, int]): Height and width that are wanted, in px.

    Returns:
        np.ndarray: (H, W) or (H, W, C), of the type that the file or the
        batch has; black if there is neither.
    """
    path = sample.get('img_path', None)
    inputs = batch.get('inputs', ())
    if len(inputs) and isinstance(inputs[0], list):
        inputs = inputs[0]
    if path and Path(path).is_file():
        image = mmcv.imread(path, flag='unchanged')
    elif i < len(inputs) and isinstance(inputs[i], Tensor):
        image = inputs[i].float().cpu().numpy().transpose(1, 2, 0)
    else:
        return np.zeros(shape, np.uint8)
    if image.shape[:2] != shape:
        image = mmcv.imresize(image, shape[::-1])
    return image


def scored_protocol(evaluator: Evaluator) -> EvalProtocol | None:
    """The rules by which an evaluator scores masks, with one threshold.

    None without a :class:`.SIRSTMetric`: others score the network's own mask.
    """
    metrics = [m for m in evaluator.metrics if isinstance(m, SIRSTMetric)]
    found = {metric.protocol.threshold for metric in metrics}
    if len(found) > 1:
        raise ValueError(
            f'the metrics score at the thresholds {sorted(found)}: masks need '
            'one. Give all metrics the same, or write probabilities '
            '(tools/test.py --out-probs)'
        )
    return metrics[0].protocol if metrics else None


def scored_mask(
    sample: SegDataSample, protocol: EvalProtocol | None
) -> np.ndarray:
    """The mask of a prediction that is scored, (H, W) bool."""
    if protocol is None:  # mmseg's heads have a threshold of their own
        return sample.pred_sem_seg.data[0].cpu().numpy() > 0
    return probability(sample) > np.float32(protocol.threshold)


def probability(sample: SegDataSample) -> np.ndarray:
    """The probability of targets as metrics see it, (H, W) float32."""
    name = str(sample.get('img_path', None) or 'image')
    maps = sample.seg_logits.data.detach().float().cpu()
    return foreground(maps, name)[0].numpy()


def overlay(
    sample: SegDataSample, batch: Mapping, i: int, rules: EvalProtocol | None
) -> np.ndarray:
    """Draw image `i` of a batch with what is scored in it."""
    pred = scored_mask(sample, rules)
    rules = rules or EvalProtocol()
    mask = pred & False
    if 'gt_sem_seg' in sample:
        mask = sample.gt_sem_seg.data[0].cpu().numpy() > 0
    image = batch_image(sample, batch, i, pred.shape)
    matching = rules.radius, rules.match, rules.connectivity
    return draw_overlay(image, pred, mask, *matching)
