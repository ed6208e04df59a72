"""Running statistics of batch norms, recomputed for fixed weights."""

import torch
from mmengine.dataset import DefaultSampler
from mmengine.dist import all_reduce
from mmengine.hooks import EMAHook, Hook
from mmengine.runner import (
    BaseLoop,
    EpochBasedTrainLoop,
    IterBasedTrainLoop,
    Runner,
)
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.data import DataLoader

from fdep_mm.registry import HOOKS


@HOOKS.register_module()
class PreciseBNHook(Hook):
    """Computes the statistics of batch norms before a network is judged.

    Running averages follow weights that were changing and, with a large
    momentum, hold little more than the last batch. Before each validation,
    and before the checkpoint of that epoch or iteration is saved, this hook
    replaces them by averages over one pass of the training set, in which no
    weight changes. It runs the deployed path, under FDEP the light branch.
    Processes are averaged, and so are batches; a short last one of an epoch
    counts as much as a full one. Norms that training keeps fixed
    (``norm_eval``, ``frozen_stages``) are left alone.

    Raises:
        ValueError: There is an ``EMAHook`` as well, whose averaged network,
            not this one, is judged and saved; or the loop is neither by
            epoch nor by iteration.

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
        """Refuse what would be done wrongly, or not at all."""
        _refuse_averages(runner)
        known = EpochBasedTrainLoop, IterBasedTrainLoop
        if not isinstance(runner.train_loop, known):
            raise ValueError(
                f'PreciseBNHook: {type(runner.train_loop).__name__} is '
                'neither an EpochBasedTrainLoop nor an IterBasedTrainLoop'
            )

    def after_train_epoch(self, runner: Runner) -> None:
        """Compute them if this epoch is validated or is the last."""
        loop = runner.train_loop
        if isinstance(loop, IterBasedTrainLoop):
            return
        if _is_due(loop, runner.epoch + 1, loop.max_epochs):
            compute_statistics(runner.model, runner.train_dataloader)

    def after_train_iter(self, runner: Runner, *args, **kwargs) -> None:
        """Compute them if this iteration is validated or is the last."""
        loop = runner.train_loop
        if not isinstance(loop, IterBasedTrainLoop):
            return
        if _is_due(loop, runner.iter + 1, loop.max_iters):
            # the loop is in the middle of its own loader
            loader = _one_pass(runner.train_dataloader)
            compute_statistics(runner.model, loader)

    def before_test(self, runner: Runner) -> None:
        """Compute them if asked to."""
        if self.before_test_too:
            _refuse_averages(runner)
            loader = runner.build_dataloader(runner.cfg.train_dataloader)
            compute_statistics(runner.model, _one_pass(loader))


def _refuse_averages(runner: Runner) -> None:
    if any(isinstance(hook, EMAHook) for hook in runner.hooks):
        raise ValueError(
            'PreciseBNHook and EMAHook: the averaged network would keep its '
            'old statistics. Train with one of them; a test without EMAHook '
            'and with PreciseBNHook(before_test=True) computes them'
        )


def _is_due(loop: BaseLoop, now: int, end: int) -> bool:
    """Whether an epoch or iteration is validated or is the last."""
    validated = now >= loop.val_begin and now % loop.val_interval == 0
    return validated or now == end


def _one_pass(loader: DataLoader) -> DataLoader:
    """A loader of full batches like these, in random order, that ends."""
    sampler = DefaultSampler(loader.dataset, shuffle=True)
    size = loader.batch_sampler.batch_size
    return DataLoader(
        loader.dataset,
        size,
        sampler=sampler,
        drop_last=len(sampler) > size,
        num_workers=loader.num_workers,
        collate_fn=loader.collate_fn,
        worker_init_fn=loader.worker_init_fn,
    )


@torch.no_grad()
def compute_statistics(model: nn.Module, loader: DataLoader) -> None:
    """Set the running statistics of batch norms that training would change.

    Args:
        model (nn.Module): An MMEngine model, wrapped or not. Its weights and
            its training mode stay.
        loader (DataLoader): One pass over it is made.
    """
    model = getattr(model, 'module', model)
    modes = {m: m.training for m in model.modules()}
    model.train()  # norms that are frozen stay in evaluation mode
    norms = [
        m
        for m in model.modules()
        if isinstance(m, _BatchNorm) and m.training and m.track_running_stats
    ]
    before = [(m.momentum, m.num_batches_tracked.clone()) for m in norms]
    model.eval()  # no dropout; nothing but norms is in training mode
    for norm in norms:
        norm.train()
        norm.momentum = None  # the plain average since the count was zero
        norm.num_batches_tracked.zero_()
    for data in loader:
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
