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
from fdep_mm.visualization import draw_overlay


def batch_image(
    sample: SegDataSample,
    data_batch: Mapping,
    i: int,
    shape: tuple[int, int],
) -> np.ndarray:
    """Take an image from its file, else from the batch.

    Data sets that make their images have no files; `img_path` is then only a
    name.

    Args:
        data_batch (Mapping): What the data loader gave, before the
            preprocessor: ``inputs``, one (C, H, W) tensor per image, or with
            test-time augmentation a list of those per view, of which the
            first is taken.
        shape (tuple[int, int]): Height and width that are wanted, in px.

    Returns:
        np.ndarray: (H, W) or (H, W, C), of the type that the file or the
        batch has; black if there is neither.
    """
    path = sample.get('img_path', None)
    inputs = data_batch.get('inputs', ())
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


def scored_threshold(evaluator: Evaluator) -> float | None:
    """The one threshold at which an evaluator scores masks.

    Returns:
        float | None: None where no :class:`.SIRSTMetric` is in it: others
        score the mask that the network gives.

    Raises:
        ValueError: Its metrics have several.
    """
    found = {
        metric.protocol.threshold
        for metric in evaluator.metrics
        if isinstance(metric, SIRSTMetric)
    }
    if len(found) > 1:
        raise ValueError(
            f'the metrics score at the thresholds {sorted(found)}: masks can '
            'have only one. Give all of them one threshold, or write '
            'probabilities (tools/test.py --out-probs)'
        )
    return found.pop() if found else None


def scored_mask(sample: SegDataSample, threshold: float | None) -> np.ndarray:
    """The mask of a prediction that was, or will be, scored.

    Heads of mmseg have a threshold of their own, 0.3 by default.

    Returns:
        np.ndarray: (H, W) bool.
    """
    if threshold is None:
        return sample.pred_sem_seg.data[0].cpu().numpy() > 0
    return probability(sample) > np.float32(threshold)


def probability(sample: SegDataSample) -> np.ndarray:
    """The probability of targets, as metrics see it.

    Returns:
        np.ndarray: (H, W) float32.
    """
    name = str(sample.get('img_path', None) or 'image')
    maps = sample.seg_logits.data.detach().float().cpu()
    return foreground(maps, name)[0].numpy()


def overlay(
    sample: SegDataSample, batch: Mapping, i: int, pred: np.ndarray, *rules
) -> np.ndarray:
    """Draw image `i` of a batch with its hits, misses and false alarms.

    Args:
        pred (np.ndarray): (H, W) bool, the mask that is scored.
    """
    mask = pred & False
    if 'gt_sem_seg' in sample:
        mask = sample.gt_sem_seg.data[0].cpu().numpy() > 0
    image = batch_image(sample, batch, i, pred.shape)
    return draw_overlay(image, pred, mask, *rules)
