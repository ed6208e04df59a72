"""A loss that is NaN, infinite or without effect must not train on."""

import math
from functools import partial

import torch
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from torch import Tensor

from fdep_mm.registry import HOOKS

from ..training_check import check_training, holds_target

ACTIONS = ('raise', 'skip')
SPOILED = 'an earlier step spoiled them'
WAY_OUT = (
    'Lower the learning rate or set optim_wrapper.clip_grad, and --resume '
    'from the last checkpoint'
)


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Checks the loss before the optimizer's step, and weights before saving.

    MMEngine's ``CheckInvalidLossHook`` looks after it, when the weights are
    lost already, and does not tell which images it was. Here either the
    training ends with the names of the batch's images, or the batch is left
    out: no step, and the running statistics of the norms put back to where
    they were. What was left out is logged, and counted at the end of the
    epoch. In a distributed run all processes do the same.

    A finite loss may have gradients that are not. Weights that are not finite
    are not saved, so the last good checkpoint stays. A loss without any
    gradient in the first step ends the training, so does a first epoch or a
    validation without targets, and so do losses, heads and labels of which
    :func:`.training_check.check_training` knows that nothing would be
    learned.

    Args:
        action (str): 'raise' or 'skip'.
        max_in_a_row (int): With 'skip', so many batches one after the other
            may be left out; more are an error.

    Raises:
        ValueError: The action is unknown; at the start of a training, nothing
            would be learned.
        FloatingPointError: During training or saving, see above.

    Example:
        >>> default_hooks = dict(finite_loss=dict(
        ...     type='fdep_mm.FiniteLossHook', action='skip'))
    """

    priority = 'VERY_HIGH'

    def __init__(self, action: str = 'raise', max_in_a_row: int = 10) -> None:
        if action not in ACTIONS:
            raise ValueError(f'action={action!r}: give one of {ACTIONS}')
        self.action = action
        self.max_in_a_row = max_in_a_row
        self._in_a_row = 0
        self._skipped: list[str] = []
        self._training = False
        self._targets_seen = False

    def before_train(self, runner: Runner) -> None:
        """Put the check between the loss and the backward pass."""
        check_training(runner)
        self._training = True
        wrapper = runner.optim_wrapper
        if isinstance(wrapper, OptimWrapper):
            # On the instance: a class of its own would shut out
            # AmpOptimWrapper, which --amp sets.
            wrapper.update_params = partial(
                self._update, runner, wrapper.update_params
            )
            wrapper.backward = partial(
                _first_backward, runner, wrapper.backward
            )

    def before_train_epoch(self, runner: Runner) -> None:
        """Count anew."""
        self._skipped = []

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Remember the batch, and what its forward pass may spoil."""
        self._batch = data_batch
        self._targets_seen = self._targets_seen or holds_target(data_batch)
        if self.action == 'skip':
            self._buffers = [b.clone() for b in runner.model.buffers()]

    def after_train_epoch(self, runner: Runner) -> None:
        """Log how many batches were left out, and ask for targets."""
        seen = torch.tensor(self._targets_seen, dtype=torch.int32)
        all_reduce(seen, 'max')
        if not seen:
            raise ValueError(
                'no image of the first epoch had a target: nothing but '
                'background would be learned. Look at the masks of the '
                'training split, tools/check_dataset.py says more, and at '
                'what the pipeline cuts out of them'
            )
        if self._skipped:
            runner.logger.warning(
                f'{len(self._skipped)} of {len(runner.train_dataloader)} '
                f'batches of epoch {runner.epoch + 1} were left out, their '
                f'loss was not finite: {"; ".join(self._skipped)}'
            )

    def after_val_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Refuse scores of a validation without any target.

        Without this a network that finds nothing has an IoU of 100 there,
        and would be the best.
        """
        for key, value in (metrics or {}).items():
            if self._training and key.endswith('/Pd') and math.isnan(value):
                raise ValueError(
                    f'{key} is not defined: the validation split holds no '
                    'target, and its scores cannot choose a checkpoint. Look '
                    'at its masks, tools/check_dataset.py says more'
                )

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Refuse to save weights that are not finite."""
        spoiled = _not_finite(checkpoint['state_dict'])
        if spoiled is not None:
            raise FloatingPointError(
                f'the weights {spoiled} are not finite after epoch '
                f'{runner.epoch + 1}, iteration {runner.iter}: {SPOILED}. '
                'Nothing was saved, older checkpoints are as they were. '
                f'{WAY_OUT}'
            )

    def _update(
        self,
        runner: Runner,
        update_params: callable,
        loss: Tensor,
        step_kwargs: dict | None = None,
        zero_kwargs: dict | None = None,
    ) -> None:
        own = torch.isfinite(loss.detach()).all()
        everywhere = own.to(torch.int32)
        all_reduce(everywhere, 'min')
        if everywhere:
            self._in_a_row = 0
            update_params(loss, step_kwargs, zero_kwargs)
            return
        images = ', '.join(image_names(self._batch))
        if own:
            images = 'images of another process'
        spoiled = _spoiled_anywhere(runner.model, loss.device)
        self._in_a_row += 1
        if (
            self.action == 'raise'
            or spoiled is not None
            or self._in_a_row > self.max_in_a_row
        ):
            raise FloatingPointError(
                _message(runner, loss, images, spoiled, self._in_a_row)
            )
        with torch.no_grad():
            for now, before in zip(
                runner.model.buffers(), self._buffers, strict=True
            ):
                now.copy_(before)
        self._skipped.append(images)
        runner.logger.warning(
            f'iteration {runner.iter + 1} is left out, its loss is '
            f'{loss.item()}: {images}'
        )


def _first_backward(
    runner: Runner, backward: callable, loss: Tensor, **kwargs
) -> None:
    """The backward pass of the first step, which must give a gradient."""
    del runner.optim_wrapper.backward  # the later ones are as they were
    backward(loss, **kwargs)
    grads = [p.grad for p in runner.model.parameters() if p.grad is not None]
    found = sum(torch.count_nonzero(grad) for grad in grads)
    found = torch.as_tensor(found, device=loss.device)
    all_reduce(found, 'max')
    if not found:
        raise ValueError(
            f'the loss of the first step, {loss.item():.4g}, has no gradient '
            'for any weight: nothing would be learned. Check the losses of '
            'the heads (loss_decode) and that the masks hold targets'
        )


def image_names(batch: dict | None) -> list[str]:
    """Names of the images of a batch."""
    samples = batch.get('data_samples') if isinstance(batch, dict) else None
    return [
        str(getattr(sample, 'img_path', None) or 'unknown image')
        for sample in samples or ()
    ] or ['unknown images']


def _spoiled_anywhere(
    model: torch.nn.Module, device: torch.device
) -> str | None:
    """A weight that is not finite; each process may hold a part of them."""
    spoiled = _not_finite(dict(model.named_parameters()))
    anywhere = torch.tensor(spoiled is not None, dtype=torch.int32)
    anywhere = anywhere.to(device)
    all_reduce(anywhere, 'max')
    return spoiled or ('of another process' if anywhere else None)


def _not_finite(weights: dict[str, Tensor]) -> str | None:
    for name, weight in weights.items():
        if not torch.isfinite(weight).all():
            return name
    return None


def _message(
    runner: Runner, loss: Tensor, images: str, spoiled: str | None, row: int
) -> str:
    head = (
        f'the loss is {loss.item()} in epoch {runner.epoch + 1}, iteration '
        f'{runner.iter + 1}. '
    )
    if spoiled is not None:
        return head + (
            f'The weights {spoiled} were not finite before: {SPOILED}. '
            f'{WAY_OUT}'
        )
    row = f', the last of {row} such batches in a row' if row > 1 else ''
    return head + (
        f'The weights are still good; this is the batch{row}: {images}. '
        'Look at these images, lower the learning rate, or leave such batches '
        "out with default_hooks.finite_loss.action='skip'"
    )
