"""Weight of an FDEP branch that changes while the network trains."""

from collections.abc import Sequence

import numpy as np
from mmengine.hooks import Hook
from mmengine.runner import Runner

from fdep_mm.core.choices import check_choice
from fdep_mm.registry import HOOKS


@HOOKS.register_module()
class BranchWeightHook(Hook):
    """Scales the losses of one branch in the course of a training.

    The FDEP paper does not say whether both branches weigh the same
    throughout; with this hook the main one can fade out or start late.
    Compiled steps (``--cfg-options compile=True``) would be compiled again for
    each weight: use one or the other.

    Args:
        points (Sequence[tuple[float, float]]): Fraction of the training,
            in [0, 1] and rising, and the factor of ``loss_weights`` there;
            linear in between, constant outside.
        branch (str): 'main' or 'light'.

    Raises:
        ValueError: The fractions leave [0, 1] or fall, or there is no such
            branch.
        TypeError: Before training: the model has no branches.

    Example:
        >>> default_hooks = dict(branch_weight=dict(
        ...     type='fdep_mm.BranchWeightHook', points=[(0, 1), (1, 0)]))
    """

    def __init__(
        self, points: Sequence[tuple[float, float]], branch: str = 'main'
    ) -> None:
        self.fractions, self.factors = np.array(points, float).reshape(-1, 2).T
        stops = [0, *self.fractions, 1]
        if len(stops) == 2 or (np.diff(stops) < 0).any():
            raise ValueError(
                'points must be pairs (fraction of the training in [0, 1], '
                f'factor) in rising order, got {points}'
            )
        check_choice('branch', branch, ('main', 'light'))
        self.branch = branch

    def before_train(self, runner: Runner) -> None:
        """Keep the configured weight, which the factors multiply."""
        self.model = getattr(runner.model, 'module', runner.model)
        if not hasattr(self.model, 'loss_weights'):
            raise TypeError(
                f'{type(self.model).__name__} has no loss_weights: '
                'BranchWeightHook is for FDEP networks'
            )
        self.weight = self.model.loss_weights[self.branch]

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: object = None
    ) -> None:
        """Set the weight of this iteration."""
        factor = np.interp(
            runner.iter / runner.max_iters, self.fractions, self.factors
        )
        self.model.loss_weights[self.branch] = self.weight * float(factor)
