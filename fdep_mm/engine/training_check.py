"""Finds trainings that would learn nothing."""

from mmengine.runner import Runner
from mmengine.structures import BaseDataElement
from mmseg.datasets.transforms import LoadAnnotations
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import nn
from torch.utils.data import Dataset

from fdep_mm.core.base_datasets import base_datasets
from fdep_mm.evaluation import SIRSTMetric
from fdep_mm.models.losses.teaching import check_losses


def check_training(runner: Runner) -> None:
    """Refuse losses, heads and labels of a segmentor that do not fit.

    Raises:
        ValueError: A loss teaches a head of one channel nothing, the metrics
            cannot score a head, or targets are labeled as "ignore".
    """
    modules = runner.model.modules()
    heads = [one for one in modules if isinstance(one, BaseDecodeHead)]
    for head in heads:
        if head.out_channels == 1 and hasattr(head, 'loss_decode'):
            check_losses(head)
    metrics = runner.val_evaluator.metrics if runner.val_loop else ()
    if any(isinstance(metric, SIRSTMetric) for metric in metrics):
        _check_channels(runner.model)
    if heads:
        for dataset in base_datasets(runner.train_dataloader.dataset):
            _check_labels(dataset)


def has_target(sample: BaseDataElement) -> bool:
    """Whether a sample has a target; True if it does not say."""
    if 'gt_sem_seg' in sample:
        labels = sample.gt_sem_seg.data
        return bool(((labels > 0) & (labels != 255)).any())
    return 'gt_instances' not in sample or len(sample.gt_instances) > 0


def _check_channels(model: nn.Module) -> None:
    model = getattr(model, 'module', model)
    head = getattr(model, 'decode_head', None)
    head = head[-1] if isinstance(head, nn.ModuleList) else head
    if getattr(head, 'out_channels', 1) > 2:
        raise ValueError(
            f'{type(head).__name__} has {head.out_channels} output channels, '
            'and the metrics know only targets and background: set '
            'num_classes=2, out_channels=1 in decode_head'
        )


def _check_labels(dataset: Dataset) -> None:
    """Look at masks that mmseg's own loader reads, up to the first target."""
    pipeline = getattr(getattr(dataset, 'pipeline', None), 'transforms', ())
    loaders = [one for one in pipeline if type(one) is LoadAnnotations]
    for index in range(len(dataset)) if loaders else ():
        info = dataset.get_data_info(index)
        if 'seg_map_path' not in info:
            return
        mask = loaders[0](info)['gt_seg_map']
        if (mask == 1).any():
            return
        if (mask == 255).any():
            raise ValueError(
                f"{info['seg_map_path']}: mmseg's LoadAnnotations reads 255, "
                'the value of targets, as "ignore": nothing would be learned. '
                "Load masks with dict(type='fdep_mm.LoadSIRSTMask')"
            )
