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
from fdep_mm.core.text import shown
from fdep_mm.registry import HOOKS

from ..training_check import check_training, holds_target

ACTIONS = ('raise', 'skip')
WAY_OUT = (
    'Lower the learning rate or set optim_wrapper.clip_grad, and --resume '
    'from the last checkpoint'
)


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Checks the loss before the optimizer's step, and weights before saving.

    MMEngine's ``CheckInvalidLossHook`` looks after the step, when the weights
    are already lost, and names no images. Here a loss that is not finite ends
    the training with the names of the batch's images, or the batch is left
    out: no step, and running statistics of the norms as before. What is left
    out is logged. In a distributed run all processes do the same.

    A finite loss may have gradients that are not: weights that are not finite
    are not saved, so the last good checkpoint stays. The training also ends
    where nothing would be learned: see :func:`.check_training`, and if the
    first step has no gradient, or the first epoch or a validation no target.

    Args:
        action (str): 'raise' or 'skip'.
        max_in_a_row (int): With 'skip', more batches than this left out in a
            row are an error.

    Raises:
        ValueError: The action is unknown; nothing would be learned.
        FloatingPointError: During training or saving, see above.
    """

    priority = 'VERY_HIGH'

    def __init__(self, action: str = 'raise', max_in_a_row: int = 10) -> None:
        check_choice('action', action, ACTIONS)
        self.action = action
        self.may_skip = max_in_a_row if action == 'skip' else 0
        self._in_a_row = 0
        self._skipped = 0
        self._targets_seen = False

    def before_train(self, runner: Runner) -> None:
        """Put the checks around the optimizer's step."""
        check_training(runner)
        wrapper = runner.optim_wrapper
        if isinstance(wrapper, OptimWrapper):
            # On the instance: a class of its own would shut out
            # AmpOptimWrapper, which --amp sets.
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
        self._batch = data_batch
        self._targets_seen = self._targets_seen or holds_target(data_batch)
        if self.action == 'skip':
            self._buffers = [b.clone() for b in runner.model.buffers()]

    def after_train_epoch(self, runner: Runner) -> None:
        """Refuse to go on if no target was seen."""
        seen = torch.tensor(self._targets_seen, dtype=torch.int32)
        all_reduce(seen, 'max')
        if not seen:
            raise ValueError(
                'no image of the first epoch had a target: nothing but '
                'background would be learned. Look at the masks of the '
                'training split, tools/check_dataset.py says more, and at '
                'what the pipeline cuts out of them'
            )

    def after_val_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Refuse scores of a validation without any target.

        Without this a network that finds nothing has an IoU of 100 there,
        and would be the best.
        """
        for key, value in (metrics or {}).items():
            undefined = key.endswith('/Pd') and math.isnan(value)
            if undefined and 'training' in built_loops(runner):
                raise ValueError(
                    f'{key} is not defined: the validation split holds no '
                    'target, and its scores cannot choose a checkpoint. Look '
                    'at its masks, tools/check_dataset.py says more'
                )

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Refuse to save weights that are not finite."""
        spoiled = _not_finite(checkpoint['state_dict'].items())
        if spoiled is not None:
            raise FloatingPointError(
                f'the weights {spoiled} are not finite after epoch '
                f'{runner.epoch + 1}, iteration {runner.iter}: an earlier '
                'step spoiled them. Nothing was saved, older checkpoints are '
                f'unchanged. {WAY_OUT}'
            )

    def _check_gradient(self, optimizer: Optimizer, *_: object) -> None:
        """Refuse a first step without gradient."""
        self._first_step.remove()
        groups = optimizer.param_groups
        grads = [w.grad for group in groups for w in group['params']]
        if not any(grad is not None and grad.any() for grad in grads):
            raise ValueError(
                'the loss of the first step has no gradient for any weight: '
                'nothing would be learned. Check the losses of the heads '
                '(loss_decode) and that the masks hold targets'
            )

    def _update(
        self,
        runner: Runner,
        update_params: Callable,
        loss: Tensor,
        *args,
        **kwargs,
    ) -> None:
        """Step, unless the loss of any process is not finite."""
        own = torch.isfinite(loss.detach()).all()
        everywhere = own.to(torch.int32)
        all_reduce(everywhere, 'min')
        if everywhere:
            self._in_a_row = 0
            update_params(loss, *args, **kwargs)
            return
        self._in_a_row += 1
        images = 'images of another process' if own else _names(self._batch)
        spoiled = _not_finite(runner.model.named_parameters())
        if spoiled is not None or self._in_a_row > self.may_skip:
            raise FloatingPointError(
                f'the loss is {loss.item()} in epoch {runner.epoch + 1}, '
                f'iteration {runner.iter + 1}. ' + self._cause(spoiled, images)
            )
        with torch.no_grad():
            for now, before in zip(
                runner.model.buffers(), self._buffers, strict=True
            ):
                now.copy_(before)
        self._skipped += 1
        runner.logger.warning(
            f'iteration {runner.iter + 1} is left out, number {self._skipped} '
            f'of this run, as its loss is {loss.item()}: {images}'
        )

    def _cause(self, spoiled: str | None, images: str) -> str:
        if spoiled is not None:
            return (
                f'The weights {spoiled} were not finite before: an earlier '
                f'step spoiled them. {WAY_OUT}'
            )
        row = self._in_a_row
        row = f', the last of {row} such batches in a row' if row > 1 else ''
        return (
            f'The weights are still good; this is the batch{row}: {images}. '
            'Look at these images, lower the learning rate, or leave such '
            "batches out with default_hooks.finite_loss.action='skip'"
        )


def _names(batch: dict | None) -> str:
    samples = batch.get('data_samples') if isinstance(batch, dict) else None
    paths = [getattr(sample, 'img_path', None) for sample in samples or ()]
    return ', '.join(shown(p or 'unknown image') for p in paths) or 'unknown'


def _not_finite(weights: Iterable[tuple[str, Tensor]]) -> str | None:
    """Name of the first that is not."""
    for name, weight in weights:
        if not torch.isfinite(weight).all():
            return name
    return None
