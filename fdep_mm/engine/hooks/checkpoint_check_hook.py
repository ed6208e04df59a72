"""Checks that a checkpoint belongs to this network and these data."""

import hashlib

from mmengine.dataset import BaseDataset
from mmengine.hooks import Hook
from mmengine.model import BaseTTAModel, is_model_wrapper
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import Dataset

from fdep_mm.core.base_datasets import base_datasets
from fdep_mm.core.checkpoints import (
    TRAINING_ONLY,
    compare_weights,
    weights_of,
)
from fdep_mm.core.choices import check_choice
from fdep_mm.core.compat import built_loops, checkpoint_name, is_resumed
from fdep_mm.core.normalization import compare_normalization
from fdep_mm.priors.identity import differences
from fdep_mm.registry import HOOKS


@HOOKS.register_module()
class CheckpointCheckHook(Hook):
    """Refuses checkpoints that MMEngine would load in part, with a warning.

    - A test needs every weight of the host, with its shape.
    - ``load_from`` of a training needs one weight that fits, such as those of
      a backbone, and none of another shape.
    - ``--resume`` needs exactly the weights of the network, the same VFM, the
      training and validation images of the last run, and schedules of the
      same length, as MMEngine restores the old ones.
    - A test or ``--resume`` with another mean, standard deviation or order of
      channels than in training gets a warning.

    Args:
        changed_data (str): 'error' or 'warn', where a resumed run has other
            images.

    Raises:
        ValueError: The argument is unknown, or the checkpoint does not
            belong to the config.
    """

    def __init__(self, changed_data: str = 'error') -> None:
        check_choice('changed_data', changed_data, ('error', 'warn'))
        self.changed_data = changed_data

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Note the images and the VFM."""
        checkpoint['meta'].update(images=_images(runner), vfm=_vfm(runner))

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Compare a checkpoint with the network and the data."""
        training = 'training' in built_loops(runner)
        resuming = training and is_resumed(runner)
        problems = _weight_problems(runner, checkpoint, training, resuming)
        meta = checkpoint.get('meta', {})
        if resuming:
            words = ('in the last run', 'now')
            found = differences(meta.get('vfm') or {}, _vfm(runner), words)
            if found:
                problems.append(f'it had another VFM: {", ".join(found)}')
        if problems:
            raise ValueError(
                f'{_name(runner)}: {"; ".join(problems)}. Name the config '
                'that it was trained with, or another checkpoint'
            )
        if resuming or not training:
            text = compare_normalization(
                runner.cfg, meta.get('cfg'), _name(runner)
            )
            if text:
                runner.logger.warning(text)
        if resuming:
            images = _images(runner)
            self._check_images(runner, meta.get('images', {}), images)
            if meta.get('images') == images:  # as many iterations
                _check_schedules(runner.param_schedulers, checkpoint)

    def _check_images(self, runner: Runner, before: dict, now: dict) -> None:
        for name, new in now.items():
            old = before.get(name, new)
            if old == new:
                continue
            same = (
                ', with other names' if old['number'] == new['number'] else ''
            )
            text = (
                f'the {name} images are not those of the last run: '
                f'{old["number"]} then, {new["number"]} now{same}. Scores '
                'before and after cannot be compared'
            )
            if self.changed_data == 'error':
                raise ValueError(
                    f'{text}. Bring back the old split, start in another work '
                    'dir (with load_from for these weights), or set '
                    'default_hooks.checkpoint_check.changed_data=warn'
                )
            runner.logger.warning(text)


def _name(runner: Runner) -> str:
    return f'checkpoint {checkpoint_name(runner) or "of the work dir"}'


def _check_schedules(now: list | dict | None, checkpoint: dict) -> None:
    before = checkpoint.get('param_schedulers') or []
    if isinstance(now, dict):  # of several optimizers
        return
    for old, new in zip(before, now or [], strict=False):
        if old['end'] != new.end:
            unit = 'epochs' if new.by_epoch else 'iterations'
            raise ValueError(
                f'--resume: {type(new).__name__} ended after {old["end"]} '
                f'{unit} in the last run and ends after {new.end} now, but a '
                'resumed run keeps the old rates. Give the old max_epochs and '
                'batch_size, or start in another work dir, with load_from for '
                'these weights'
            )


def _weight_problems(
    runner: Runner, checkpoint: dict, training: bool, resuming: bool
) -> list[str]:
    own = _unwrap(runner.model).state_dict()
    given = weights_of(checkpoint)
    if not training:
        own = {k: v for k, v in own.items() if not k.startswith(TRAINING_ONLY)}
    every = resuming or not training
    return compare_weights(own, given, every, only=resuming)


def _unwrap(model: nn.Module) -> nn.Module:
    while is_model_wrapper(model) or isinstance(model, BaseTTAModel):
        model = model.module
    return model


def _vfm(runner: Runner) -> dict:
    """What decides the priors; empty for networks without."""
    vfm = getattr(_unwrap(runner.model), 'vfm', None)
    if not hasattr(vfm, 'record'):
        return {}
    return dict(vfm.record, layers=list(vfm.out_indices))


def _images(runner: Runner) -> dict[str, dict]:
    """Number of training and validation images, and a hash of their names."""
    return {
        name: _record(loop.dataloader.dataset)
        for name, loop in built_loops(runner).items()
    }


def _record(dataset: Dataset) -> dict:
    digest = hashlib.sha256()
    for base in base_datasets(dataset):
        for i in range(len(base)) if isinstance(base, BaseDataset) else ():
            # not the subclass's own: that may draw the image
            info = BaseDataset.get_data_info(base, i)
            # no path: a data set may be moved
            name = info.get('img_id', info.get('img_path'))
            digest.update(f'{name}\n'.encode())
    return dict(number=len(dataset), names=digest.hexdigest())
