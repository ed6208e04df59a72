"""Whether a checkpoint belongs to this network and to these data."""

import hashlib

import numpy as np
from mmengine.dataset import BaseDataset
from mmengine.hooks import Hook
from mmengine.model import BaseTTAModel, is_model_wrapper
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import DataLoader, Dataset

from fdep_mm.core.base_datasets import base_datasets
from fdep_mm.core.checkpoints import (
    TRAINING_ONLY,
    compare_weights,
    weights_of,
)
from fdep_mm.core.compat import built_loops, checkpoint_name, is_resumed
from fdep_mm.core.stored_config import read_settings
from fdep_mm.priors.identity import differences
from fdep_mm.registry import HOOKS

CHANGES = ('error', 'warn')
NORMALIZATION = ('mean', 'std', 'bgr_to_rgb', 'rgb_to_bgr')


@HOOKS.register_module()
class CheckpointCheckHook(Hook):
    """Refuses checkpoints that MMEngine would load in part, with a warning.

    - A test needs every weight of the host, with its shape; a checkpoint of
      FDEP has them. Else a network with random weights would be tested.
    - ``--resume`` needs exactly the weights of the network, and the same
      VFM with the same weights, layers, norm and input: two may have maps of
      one shape.
    - ``load_from`` of a training needs at least one weight that fits, and
      none of another shape: a backbone alone will do.
    - ``--resume`` needs the training and validation images of the run
      before, by number and names: the best score so far is of them.
    - ``--resume`` needs schedules of the same length: MMEngine restores the
      old ones, and a longer run would go on at their last rate.
    - A test, or ``--resume``, with another mean, standard deviation or order
      of channels than the weights were trained with is told in a warning.

    Args:
        changed_data (str): What other images are at a resume, 'error' or
            'warn'.

    Raises:
        ValueError: The argument is unknown, or the checkpoint does not
            belong to the config.

    Example:
        >>> default_hooks = dict(
        ...     checkpoint_check=dict(type='fdep_mm.CheckpointCheckHook'))
    """

    def __init__(self, changed_data: str = 'error') -> None:
        if changed_data not in CHANGES:
            raise ValueError(
                f'changed_data={changed_data!r}: give one of {CHANGES}'
            )
        self.changed_data = changed_data

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Put names of the images and what is known of the VFM into it."""
        checkpoint['meta'].update(images=_records(runner), vfm=_vfm(runner))

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Compare a checkpoint with the network and the data."""
        training = 'training' in built_loops(runner)
        resuming = training and is_resumed(runner)
        problem = _weights_problem(runner, checkpoint, training, resuming)
        meta = checkpoint.get('meta', {})
        if resuming:
            words = ('in the run before', 'now')
            found = differences(meta.get('vfm') or {}, _vfm(runner), words)
            if found:
                problem = f'it had another VFM: {"; ".join(found)}'
        if problem:
            raise ValueError(
                f'checkpoint {checkpoint_name(runner) or "of the work dir"}: '
                f'{problem}. Name the config that it was trained with, or '
                'another checkpoint'
            )
        if resuming or not training:
            _compare_normalization(runner, meta.get('cfg'))
        if resuming:
            self._check_data(runner, meta.get('images', {}))
            if meta.get('images') == _records(runner):  # as many iterations
                _check_schedules(runner.param_schedulers, checkpoint)

    def _check_data(self, runner: Runner, before: dict) -> None:
        for name, now in _records(runner).items():
            old = before.get(name, now)
            if old == now:
                continue
            text = (
                f'the {name} images are not those of the run before: '
                f'{old["number"]} then, {now["number"]} now'
                + (', of other names' * (old['number'] == now['number']))
                + '. Scores before and after cannot be compared'
            )
            if self.changed_data == 'error':
                raise ValueError(
                    f'{text}. Bring back the old split, start in another '
                    'work dir (with load_from for these weights), or allow it '
                    'by default_hooks.checkpoint_check.changed_data=warn'
                )
            runner.logger.warning(text)


def _compare_normalization(runner: Runner, text: str | None) -> None:
    try:
        before = _normalization(read_settings(text or ''))
    except ValueError:  # not a config of MMEngine
        return
    if before and before != (now := _normalization(runner.cfg)):
        runner.logger.warning(
            f'checkpoint {checkpoint_name(runner) or "of the work dir"} was '
            f'trained with data_preprocessor {before}, and this config has '
            f'{now}: the network sees other values than it knows. Set '
            'model.data_preprocessor as it was, or train anew'
        )


def _normalization(cfg: dict) -> dict:
    """What a config does to gray values; empty if it has no model."""
    model = cfg.get('model') or {}
    model = model.get('module', model)  # of test-time augmentation
    found = model.get('data_preprocessor') or cfg.get('data_preprocessor')
    return {
        key: np.array(found.get(key, False)).tolist()
        for key in NORMALIZATION
        if found
    }


def _check_schedules(now: list | dict | None, checkpoint: dict) -> None:
    before = checkpoint.get('param_schedulers') or []
    if isinstance(now, dict):  # of several optimizers
        return
    for old, new in zip(before, now or [], strict=False):
        if old['end'] != new.end:
            unit = 'epochs' if new.by_epoch else 'iterations'
            raise ValueError(
                f'--resume: {type(new).__name__} ended after {old["end"]} '
                f'{unit} in the run before and ends after {new.end} now, but '
                'a resumed run keeps the rates of the one before. Give the '
                'max_epochs and batch_size of the run before, or start in '
                'another work dir, with load_from for these weights'
            )


def _weights_problem(
    runner: Runner, checkpoint: dict, training: bool, resuming: bool
) -> str | None:
    own = _unwrap(runner.model).state_dict()
    given = weights_of(checkpoint)
    if not training:
        own = {k: v for k, v in own.items() if not k.startswith(TRAINING_ONLY)}
    missing, foreign, reshaped = compare_weights(own, given)
    problems = []
    if reshaped:
        key = reshaped[0]
        problems.append(
            f'{len(reshaped)} weights have another shape, such as {key}: '
            f'{tuple(getattr(given[key], "shape", ()))}, the network has '
            f'{tuple(own[key].shape)}'
        )
    if missing and (not training or resuming or len(missing) == len(own)):
        problems.append(
            f'{len(missing)} weights of the network are not in it, such as '
            f'{missing[0]}'
        )
    if foreign and resuming:
        problems.append(
            f'{len(foreign)} of its weights are not in the network, such as '
            f'{foreign[0]}'
        )
    return '; '.join(problems) or None


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


def _records(runner: Runner) -> dict[str, dict]:
    return {
        name: _record(loop.dataloader)
        for name, loop in built_loops(runner).items()
    }


def _record(loader: DataLoader) -> dict:
    digest = hashlib.sha256()
    for dataset in base_datasets(loader.dataset):
        for name in _names(dataset):
            digest.update(f'{name}\n'.encode())
    return dict(number=len(loader.dataset), names=digest.hexdigest())


def _names(dataset: Dataset) -> list[str]:
    """Ids of the images: not their paths, a data set may be moved."""
    if not isinstance(dataset, BaseDataset):
        return []
    # not the subclass's own: that may draw the image
    infos = (
        BaseDataset.get_data_info(dataset, i) for i in range(len(dataset))
    )
    return [str(i.get('img_id', i.get('img_path'))) for i in infos]
