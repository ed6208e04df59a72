"""Images of a config's data sets: for comparing, calibrating and scoring."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.registry import init_default_scope

from fdep_mm.apis.card import ModelCard
from fdep_mm.apis.onnx_backend import fit, pad
from fdep_mm.evaluation import NoCoAPMetric
from fdep_mm.evaluation.functional import (
    EvalProtocol,
    count_image,
    reduce_records,
)
from fdep_mm.registry import DATASETS


class LabeledImage(NamedTuple):
    """One image of a data set."""

    name: str
    image: np.ndarray  # (H, W, 3) float32 in 0..255
    mask: np.ndarray | None  # (H, W) bool; None for detection
    truth: dict  # what NoCoAPMetric needs to know of it


class Images:
    """Images spread over a split, loaded as in testing."""

    def __init__(self, cfg: Config, split: str, limit: int | None = None):
        init_default_scope(cfg.get('default_scope', 'mmseg'))
        self.dataset = _build(cfg, split)
        total = len(self.dataset)
        number = total if limit is None else min(limit, total)
        if not number:
            raise ValueError(f'{split} data set: holds no image')
        self.indices = np.linspace(0, total - 1, number).round().astype(int)

    def __len__(self) -> int:
        return len(self.indices)

    def __iter__(self):
        for index in self.indices:
            yield _labeled(self.dataset[int(index)], int(index))


def _build(cfg: Config, split: str) -> BaseDataset:
    try:
        test = cfg.test_dataloader.dataset
        chosen = cfg[f'{split}_dataloader'].dataset
        while 'pipeline' not in chosen:  # RepeatDataset and the like
            chosen = chosen.dataset
    except (AttributeError, KeyError) as error:
        raise ValueError(
            f'the config has no {split} data set ({error}); inherit one of '
            'configs/_base_/datasets'
        ) from error
    steps = [t for t in test.pipeline if t['type'].split('.')[-1] != 'Resize']
    try:
        return DATASETS.build(dict(chosen, pipeline=steps, test_mode=True))
    except OSError as error:
        raise ValueError(
            f'{split} data set: {error}. Set FDEP_DATA to its parent folder'
        ) from error


def _labeled(item: dict, index: int) -> LabeledImage:
    image = item['inputs'].numpy().transpose(1, 2, 0).astype(np.float32)
    data_sample = item['data_samples']
    mask = None
    if 'gt_sem_seg' in data_sample:
        mask = data_sample.gt_sem_seg.data[0].numpy().astype(bool)
    name = data_sample.metainfo.get('img_path') or f'image {index}'
    return LabeledImage(name, image, mask, data_sample.to_dict())


def batch(image: np.ndarray, card: ModelCard) -> np.ndarray:
    """Scale and pad (H, W, 3) in 0..255 to (1, 3, H', W')."""
    images = fit(image[None], card.resize)
    return pad(images, card.stride, card.pad_value)


def score(
    run: Callable[[np.ndarray], np.ndarray | list[np.ndarray]],
    images: Iterable[LabeledImage],
    card: ModelCard,
) -> dict[str, float]:
    """Score a network, a function as :class:`fdep_mm.apis.backend.Backend`."""
    if card.task == 'segmentation':
        protocol = EvalProtocol(tolerances=(), threshold=card.threshold)
        records = [
            count_image(run(i.image[None])[0], i.mask, protocol, i.name)
            for i in images
        ]
        return reduce_records(records, protocol).scores
    metric = NoCoAPMetric()
    for one in images:
        boxes = torch.from_numpy(run(one.image[None])[0])
        found = dict(bboxes=boxes[:, :4], scores=boxes[:, 4])
        metric.process(None, [dict(one.truth, pred_instances=found)])
    return metric.compute_metrics(metric.results)
