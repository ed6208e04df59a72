"""Logs the images that could not be read."""

import torch
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.runner import Runner

from fdep_mm.core.base_datasets import base_datasets
from fdep_mm.core.text import some
from fdep_mm.registry import HOOKS


@HOOKS.register_module()
class UnreadableImagesHook(Hook):
    """Logs after an epoch what data sets of ``on_error='skip'`` skipped."""

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
            names = [dataset.get_data_info(i)['img_path'] for i in found]
            if found:
                runner.logger.warning(
                    f'{len(found)} of {len(dataset)} images could not be '
                    f'read in epoch {runner.epoch + 1}, others took their '
                    f'places: {some(names, 20)}'
                )
