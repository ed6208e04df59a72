"""Randomness that depends on the epoch and on nothing before it."""

import random

import numpy as np
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch import Tensor
from torch.utils.data import get_worker_info

from fdep_mm.registry import HOOKS

from .base_datasets import base_datasets


@HOOKS.register_module()
class EpochSeedHook(Hook):
    """Seeds each epoch by the seed of the run, its number, rank and worker.

    Checkpoints hold no random states. With this hook they need none: a run
    that was stopped anywhere and resumed sees the same crops, flips and
    dropout as one that was not. It also ends that workers which are started
    anew each epoch repeat the augmentations of the first.

    Workers are seeded by a transform in front of the training pipeline, when
    they get their first image of an epoch, so ``persistent_workers`` may be
    on or off. Needs ``EpochBasedTrainLoop``; loops by iteration are left as
    they are.

    Example:
        >>> default_hooks = dict(epoch_seed=dict(type='fdep_mm.EpochSeedHook'))
    """

    priority = 'VERY_HIGH'

    def before_train(self, runner: Runner) -> None:
        """Put the transform that seeds workers into the pipelines.

        Args:
            runner (Runner): The running one.
        """
        self._epoch = None
        if not isinstance(runner.train_loop, EpochBasedTrainLoop):
            runner.logger.warning(
                'EpochSeedHook does nothing in a loop by iteration: a '
                'resumed run will draw other random numbers'
            )
            return
        # seen by the workers, whenever they were started
        self._epoch = torch.zeros(1, dtype=torch.int64).share_memory_()
        transform = _SeedWorker(runner.seed, get_rank(), self._epoch)
        for dataset in base_datasets(runner.train_dataloader.dataset):
            if hasattr(dataset, 'pipeline'):
                dataset.pipeline.transforms.insert(0, transform)
            else:
                runner.logger.warning(
                    f'EpochSeedHook cannot seed the workers of a '
                    f'{type(dataset).__name__}: it has no pipeline'
                )

    def before_train_epoch(self, runner: Runner) -> None:
        """Seed this process, which may load data, and tell the workers.

        Args:
            runner (Runner): The running one.
        """
        if self._epoch is not None:
            self._epoch[0] = runner.epoch
            seed_all(runner.seed, runner.epoch, get_rank(), 0)

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Seed this process again, for the network.

        Starting workers draws random numbers, and a resumed run starts them
        in another epoch.

        Args:
            runner (Runner): The running one.
            batch_idx (int): Position of the batch in the epoch.
            data_batch (dict, optional): Not used.
        """
        if self._epoch is not None and batch_idx == 0:
            seed_all(runner.seed, runner.epoch, get_rank(), 1)


class _SeedWorker:
    """A transform that changes nothing but a worker's random states."""

    def __init__(self, seed: int, rank: int, epoch: Tensor) -> None:
        self.seed = seed
        self.rank = rank
        self.epoch = epoch
        self.seeded = -1

    def __call__(self, results: dict) -> dict:
        worker = get_worker_info()
        epoch = int(self.epoch)
        if worker is not None and epoch != self.seeded:
            seed_all(self.seed, epoch, self.rank, 2 + worker.id)
            self.seeded = epoch
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(seed={self.seed}, rank={self.rank})'


def seed_all(seed: int, epoch: int, rank: int, stream: int) -> None:
    """Seed Python, NumPy and torch.

    Args:
        seed (int): Of the run.
        epoch (int): From 0.
        rank (int): Of the process in a distributed run.
        stream (int): 0 for the process itself, 1 for it from the first batch
            on, 2 + i for its worker i.
    """
    words = np.random.SeedSequence([seed, epoch, rank, stream])
    for function, word in zip(
        (random.seed, np.random.seed, torch.manual_seed),
        words.generate_state(3).tolist(),
        strict=True,
    ):
        function(word)
