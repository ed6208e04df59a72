"""Stops or skips steps whose loss is NaN, infinite or without effect."""

import math
from collections.abc import Callable, Iterable
from functools import partial

import torch
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from torch import Tensor
from torch.optim import Optimizer

from fdep_mm.core.choices import check_choice
from fdep_mm.core.compat import built_loops
from fdep_mm.core.text import one_line
from fdep_mm.registry import HOOKS

from ..training_check import check_training, has_target

ACTIONS = ('raise', 'skip')
# Images without a target after which a training ends: crops of few images may
# miss all targets for some epochs.
ENOUGH = 256
WAY_OUT = (
    'Lower the learning rate or set optim_wrapper.clip_grad, and --resume '
    'from the last checkpoint'
)


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Checks the loss before the optimizer's step, and weights before saving.

    MMEngine's ``CheckInvalidLossHook`` looks after the step, when the weights
    are already lost. Here a loss that is not finite ends the training and
    names the batch's images, or the batch is skipped in all processes, with a
    warning: no step, and running statistics of norms as before.

    Weights that are not finite are never saved. A training also ends where
    nothing would be learned: see :func:`.check_training`, and if the first
    step has no gradient, or the first epochs (256 images) or a validation no
    target.

    Args:
        action (str): 'raise' or 'skip'.
        max_in_a_row (int): With 'skip', more skipped batches in a row than
            this are an error.

    Raises:
        ValueError: The action is unknown, or nothing would be learned.
        FloatingPointError: A loss, or weights to save, are not finite.
    """

    priority = 'VERY_HIGH'

    def __init__(self, action: str = 'raise', max_in_a_row: int = 10) -> None:
        check_choice('action', action, ACTIONS)
        self.action = action
        self.may_skip = max_in_a_row if action == 'skip' else 0
        self._in_a_row = 0
        self._skipped = 0
        self._targets_seen = False
        self._images_seen = 0

    def before_train(self, runner: Runner) -> None:
        """Put the checks around the optimizer's step."""
        check_training(runner)
        wrapper = runner.optim_wrapper
        if isinstance(wrapper, OptimWrapper):
            # on the instance: --amp sets a class of its own
            wrapper.update_params = partial(
                self._update, runner, wrapper.update_params
            )
            self._first_step = wrapper.optimizer.register_step_pre_hook(
                self._check_gradient
            )

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Remember the batch, and what its forward pass may spoil."""
        batch = data_batch if isinstance(data_batch, dict) else {}
        self._samples = batch.get('data_samples') or ()
        self._targets_seen = (
            self._targets_seen
            or not self._samples
            or any(map(has_target, self._samples))
        )
        self._images_seen += len(self._samples)
        if self.action == 'skip':
            self._buffers = [b.clone() for b in runner.model.buffers()]

    def after_train_epoch(self, runner: Runner) -> None:
        """Refuse to go on if no target was seen."""
        seen = torch.tensor([self._targets_seen, self._images_seen])
        all_reduce(seen)
        targets, images = seen.tolist()
        last = runner.epoch + 1 >= runner.max_epochs
        if not targets and (last or images >= ENOUGH):
            raise ValueError(
                f'none of the first {images} images had a target: only '
                'background would be learned. Check the masks of the training '
                'split with tools/check_dataset.py, and the crops of its '
                'pipeline'
            )

    def after_val_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Refuse a validation without any target: finding none is best."""
        for key, value in (metrics or {}).items():
            undefined = key.endswith('/Pd') and math.isnan(value)
            if undefined and 'training' in built_loops(runner):
                raise ValueError(
                    f'{key} is not defined: the validation split has no '
                    'target, so its scores cannot choose a checkpoint. Check '
                    'its masks with tools/check_dataset.py'
                )

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Refuse to save weights that are not finite."""
        spoiled = _not_finite(checkpoint['state_dict'].items())
        if spoiled:
            raise FloatingPointError(
                f'the weights {spoiled} are not finite after epoch '
                f'{runner.epoch + 1}, iteration {runner.iter}: nothing was '
                f'saved, older checkpoints are unchanged. {WAY_OUT}'
            )

    def _check_gradient(self, optimizer: Optimizer, *_: object) -> None:
        """Refuse a first step without gradient."""
        self._first_step.remove()
        groups = optimizer.param_groups
        grads = [w.grad for group in groups for w in group['params']]
        if not any(grad is not None and grad.any() for grad in grads):
            raise ValueError(
                'the loss of the first step has no gradient for any weight: '
                'nothing would be learned. Check loss_decode and the masks'
            )

    def _update(
        self, runner: Runner, update: Callable, loss: Tensor, *args, **kwargs
    ) -> None:
        """Step, unless the loss of any process is not finite."""
        own = torch.isfinite(loss.detach()).all()
        everywhere = own.to(torch.int32)
        all_reduce(everywhere, 'min')
        if everywhere:
            self._in_a_row = 0
            update(loss, *args, **kwargs)
        else:
            self._in_a_row += 1
            other = 'images of another process'
            self._skip(runner, loss.item(), other if own else self._names())

    def _skip(self, runner: Runner, loss: float, images: str) -> None:
        """Undo the forward pass, or raise an error."""
        where = f'epoch {runner.epoch + 1}, iteration {runner.iter + 1}'
        found = f'the loss is {loss} in {where}'
        if spoiled := _not_finite(runner.model.named_parameters()):
            raise FloatingPointError(
                f'{found}. The weights {spoiled} were not finite before: an '
                f'earlier step spoiled them. {WAY_OUT}'
            )
        if self._in_a_row > self.may_skip:
            raise FloatingPointError(
                f'{found} ({self._in_a_row} in a row). The weights are still '
                f'good; this is the batch: {images}. Check these images, '
                'lower the learning rate, or skip such batches with '
                "default_hooks.finite_loss.action='skip'"
            )
        buffers = zip(runner.model.buffers(), self._buffers, strict=True)
        for now, before in buffers:
            now.detach().copy_(before)
        self._skipped += 1
        runner.logger.warning(
            f'{found}: skipped, number {self._skipped} of this run: {images}'
        )

    def _names(self) -> str:
        paths = (getattr(one, 'img_path', None) for one in self._samples)
        names = (one_line(path or 'unknown image') for path in paths)
        return ', '.join(names) or 'unknown images'


def _not_finite(weights: Iterable[tuple[str, Tensor]]) -> str | None:
    """Name of the first that is not."""
    found = (key for key, one in weights if not torch.isfinite(one).all())
    return next(found, None)
