"""How many images an epoch had to do without."""

import torch
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.runner import Runner

from fdep_mm.core.base_datasets import base_datasets
from fdep_mm.registry import HOOKS


@HOOKS.register_module()
class UnreadableImagesHook(Hook):
    """Logs at the end of an epoch which images could not be read.

    Of data sets with ``on_error='skip'``, such as
    :class:`fdep_mm.datasets.SIRSTDataset`; others stop the training.

    Args:
        max_names (int): So many names are logged; the number always is.

    Example:
        >>> default_hooks = dict(
        ...     unreadable=dict(type='fdep_mm.UnreadableImagesHook'))
    """

    def __init__(self, max_names: int = 20) -> None:
        self.max_names = max_names

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
            if found:
                names = [
                    dataset.get_data_info(i)['img_path']
                    for i in found[: self.max_names]
                ]
                more = len(found) - len(names)
                runner.logger.warning(
                    f'{len(found)} of {len(dataset)} images could not be '
                    f'read in epoch {runner.epoch + 1}, others took their '
                    f'places: {", ".join(names)}'
                    + (f' and {more} more' if more else '')
                )
