"""Logs the images that could not be read."""

import torch
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.runner import Runner

from fdep_mm.core.base_datasets import base_datasets
from fdep_mm.registry import HOOKS

MAX_NAMES = 20


@HOOKS.register_module()
class UnreadableImagesHook(Hook):
    """Logs at the end of an epoch which images could not be read.

    Of data sets with ``on_error='skip'``, such as
    :class:`fdep_mm.datasets.SIRSTDataset`; others stop the training.
    """

    def after_train_epoch(self, runner: Runner) -> None:
        """Log the images, and forget them."""
        for dataset in base_datasets(runner.train_dataloader.dataset):
            marks = getattr(dataset, 'unreadable', None)
            if marks is None:
                continue
            everywhere = marks.to(torch.int32)
            all_reduce(everywhere, 'max')
            marks.zero_()
            found = everywhere.nonzero().flatten().tolist()
            names = [
                dataset.get_data_info(i)['img_path'] for i in found[:MAX_NAMES]
            ]
            if len(found) > MAX_NAMES:
                names.append(f'and {len(found) - MAX_NAMES} more')
            if found:
                runner.logger.warning(
                    f'{len(found)} of {len(dataset)} images could not be '
                    f'read in epoch {runner.epoch + 1}, others took their '
                    f'places: {", ".join(names)}'
                )
