"""What would train for hours and be worth nothing, found before."""

from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement
from mmseg.datasets.transforms import LoadAnnotations
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import nn
from torch.utils.data import Dataset

from fdep_mm.core.base_datasets import base_datasets
from fdep_mm.datasets.transforms import LoadSIRSTMask
from fdep_mm.evaluation import SIRSTMetric
from fdep_mm.models.losses.teaching import check_losses


def check_training(runner: Runner) -> None:
    """Refuse losses, heads and labels of a segmentor that do not fit.

    Raises:
        ValueError: A loss teaches a head of one channel nothing, the metrics
            cannot score a head, or targets are labelled as "ignore".
    """
    model = runner.model
    model = model.module if is_model_wrapper(model) else model
    heads = [m for m in model.modules() if isinstance(m, BaseDecodeHead)]
    for head in heads:
        if head.out_channels == 1 and hasattr(head, 'loss_decode'):
            losses = head.loss_decode
            several = isinstance(losses, nn.ModuleList)
            check_losses(losses if several else [losses])
    last = getattr(model, 'decode_head', None)
    last = last[-1] if isinstance(last, nn.ModuleList) else last
    metrics = runner.val_evaluator.metrics if runner.val_loop else ()
    scored = any(isinstance(metric, SIRSTMetric) for metric in metrics)
    if scored and getattr(last, 'out_channels', 1) > 2:
        raise ValueError(
            f'{type(last).__name__} has {last.out_channels} output channels, '
            'and the metrics know target or not: set num_classes=2, '
            'out_channels=1 in decode_head'
        )
    if heads:
        for dataset in base_datasets(runner.train_dataloader.dataset):
            _check_labels(dataset)


def holds_target(batch: dict | None) -> bool:
    """Whether any sample of a batch has a target; True if it does not say."""
    samples = batch.get('data_samples') if isinstance(batch, dict) else None
    return samples is None or any(map(_has_target, samples))


def _has_target(sample: BaseDataElement) -> bool:
    if 'gt_sem_seg' in sample:
        labels = sample.gt_sem_seg.data
        return bool(((labels > 0) & (labels != 255)).any())
    return 'gt_instances' not in sample or len(sample.gt_instances) > 0


def _check_labels(dataset: Dataset) -> None:
    """Look at masks that mmseg's own loader reads, up to the first target."""
    pipeline = getattr(getattr(dataset, 'pipeline', None), 'transforms', ())
    for loader in pipeline:
        if isinstance(loader, LoadAnnotations) and not isinstance(
            loader, LoadSIRSTMask
        ):
            break
    else:
        return
    for index in range(len(dataset)):
        info = dataset.get_data_info(index)
        if 'seg_map_path' not in info:
            return
        mask = loader(info)['gt_seg_map']
        if (mask == 1).any():
            return
        if (mask == 255).any():
            raise ValueError(
                f"{info['seg_map_path']}: mmseg's LoadAnnotations reads 255, "
                'which is target here, as "ignore", and no pixel is 1: '
                'nothing would be learned. Load masks with '
                "dict(type='fdep_mm.LoadSIRSTMask')"
            )
