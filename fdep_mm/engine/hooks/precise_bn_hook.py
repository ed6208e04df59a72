"""Running statistics of batch norms, recomputed for fixed weights."""

from itertools import islice

import torch
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.data import DataLoader

from fdep_mm.registry import HOOKS


@HOOKS.register_module()
class PreciseBNHook(Hook):
    """Computes the statistics of batch norms before a network is judged.

    Running averages follow weights that were changing and, with a large
    momentum, hold little more than the last batch. After each epoch that is
    validated, before its checkpoint is saved, this hook replaces them by
    averages over one pass of the training set, in which no weight changes. It
    runs the deployed path, under FDEP the light branch. Processes are
    averaged. In a loop by iteration it warns and does nothing.

    Source: "precise BN", Wu and Johnson, Rethinking "Batch" in BatchNorm,
    arXiv 2105.07576, section 3.

    Args:
        before_test (bool): Compute them before a test as well, with the
            config's training set; for a path that was not deployed in training
            (``test_branch='main'``) or weights of another tool.

    Example:
        >>> default_hooks = dict(
        ...     precise_bn=dict(type='fdep_mm.PreciseBNHook'))
    """

    def __init__(self, before_test: bool = False) -> None:
        self.before_test_too = before_test

    def before_train(self, runner: Runner) -> None:
        """Warn if there will be no epochs."""
        if not isinstance(runner.train_loop, EpochBasedTrainLoop):
            runner.logger.warning(
                'PreciseBNHook does nothing in a loop by iteration: batch '
                'norms keep their running averages'
            )

    def after_train_epoch(self, runner: Runner) -> None:
        """Compute them if this epoch is validated or is the last."""
        loop, epoch = runner.train_loop, runner.epoch + 1
        if not isinstance(loop, EpochBasedTrainLoop):
            return
        due = epoch >= loop.val_begin and epoch % loop.val_interval == 0
        if due or epoch == loop.max_epochs:
            compute_statistics(runner.model, runner.train_dataloader)

    def before_test(self, runner: Runner) -> None:
        """Compute them if asked to."""
        if self.before_test_too:
            loader = runner.build_dataloader(runner.cfg.train_dataloader)
            compute_statistics(runner.model, loader)


@torch.no_grad()
def compute_statistics(model: nn.Module, loader: DataLoader) -> None:
    """Set the running statistics of all batch norms that a forward reaches.

    Args:
        model (nn.Module): An MMEngine model, wrapped or not. Its weights and
            its training mode stay.
        loader (DataLoader): One pass over it is made.
    """
    model = getattr(model, 'module', model)
    norms = [
        m
        for m in model.modules()
        if isinstance(m, _BatchNorm) and m.track_running_stats
    ]
    before = [(m.momentum, m.num_batches_tracked.clone()) for m in norms]
    modes = {m: m.training for m in model.modules()}
    model.eval()  # no dropout; nothing but norms is in training mode
    for norm in norms:
        norm.train()
        norm.momentum = None  # the plain average since the count was zero
        norm.num_batches_tracked.zero_()
    # samplers of loops by iteration never end
    for data in islice(loader, len(loader)):
        data = model.data_preprocessor(data, training=True)
        model(**data, mode='tensor')
    for norm, (momentum, count) in zip(norms, before, strict=True):
        if norm.num_batches_tracked > 0:
            all_reduce(norm.running_mean, 'mean')
            all_reduce(norm.running_var, 'mean')
        norm.momentum = momentum
        norm.num_batches_tracked.copy_(count)
    for module, training in modes.items():
        module.training = training
