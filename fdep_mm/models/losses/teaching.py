"""Whether losses teach a head what a target is."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

WAY_OUT = (
    'Losses for one channel are CrossEntropyLoss(use_sigmoid=True), its '
    "class_weight with one value, LovaszLoss(loss_type='binary', "
    'per_image=True), fdep_mm.SoftIoULoss (in place of Dice and Tversky) and '
    'fdep_mm.EdgeBCELoss'
)


def losses_of(head: nn.Module) -> Sequence[nn.Module]:
    """The losses of an mmseg head, which keeps a single one without a list."""
    losses = head.loss_decode
    return losses if isinstance(losses, nn.ModuleList) else [losses]


def check_losses(head: nn.Module) -> None:
    """Refuse a head's losses that do not raise targets over the background.

    Several of mmseg count on one channel for each class. With a single one,
    a softmax is 1 everywhere and ``DiceLoss`` takes every pixel for a target.
    Each loss is asked for its gradient on a small image, called as mmseg does;
    those that are called in another way are passed over.

    Raises:
        ValueError: One fails, has no gradient or one that points the wrong
            way.
    """
    labels = torch.zeros(1, 16, 17, dtype=torch.long)
    labels[:, 5:8, 9:12] = 1
    ramp = torch.linspace(-0.1, 0.1, labels.numel()).view(1, 1, 16, 17)
    for loss in losses_of(head):
        name = type(loss).__name__
        try:
            grad = _gradient(loss, ramp.clone().requires_grad_(), labels)
        except TypeError:
            continue
        except (RuntimeError, ValueError, IndexError) as error:
            raise ValueError(
                f'{name} cannot score one channel: {error}. {WAY_OUT}'
            ) from error
        target, rest = (grad[labels == i].sum().item() for i in (1, 0))
        if not target <= 0 <= rest or target == rest:
            raise ValueError(
                f'{name} teaches nothing on one channel: its gradient is '
                f'{target:.2g} on targets, where it should be negative, and '
                f'{rest:.2g} on the background. {WAY_OUT}'
            )


def _gradient(loss: nn.Module, logits: Tensor, labels: Tensor) -> Tensor:
    with torch.enable_grad():
        value = loss(logits, labels, ignore_index=255)
        return torch.autograd.grad(value.sum(), logits)[0][:, 0]
