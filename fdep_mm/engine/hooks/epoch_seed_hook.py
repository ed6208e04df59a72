"""Randomness that depends on epoch and index, and on nothing before."""

import random

import numpy as np
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset

from fdep_mm.registry import HOOKS


@HOOKS.register_module()
class EpochSeedHook(Hook):
    """Seeds each sample and each step of a training by what it is.

    What a sample draws depends on the seed of the run, the epoch and the
    sample's index; what the network draws, on seed, epoch, step and rank.
    Checkpoints need no random states then: a run that was stopped anywhere
    and resumed sees the same crops, flips and dropout as one that was not,
    and so does one with other ``num_workers``.

    Samples are seeded where the data loader asks for them, so an image that
    ``RepeatDataset`` gives twice in an epoch is augmented twice. Needs
    ``EpochBasedTrainLoop`` and a data set with indices; others are left as
    they are, with a warning.

    Example:
        >>> default_hooks = dict(epoch_seed=dict(type='fdep_mm.EpochSeedHook'))
    """

    priority = 'VERY_HIGH'

    def before_train(self, runner: Runner) -> None:
        """Make the training data set seed each of its samples."""
        self._epoch = None
        dataset = runner.train_dataloader.dataset
        if not isinstance(
            runner.train_loop, EpochBasedTrainLoop
        ) or isinstance(dataset, IterableDataset):
            runner.logger.warning(
                'EpochSeedHook does nothing in a loop by iteration or for an '
                'IterableDataset: a resumed run will draw other random numbers'
            )
            return
        # seen by the workers, whenever they were started
        self._epoch = torch.zeros(1, dtype=torch.int64).share_memory_()
        # torch's data loader calls this, if it is there, for each batch
        dataset.__getitems__ = _SeededItems(dataset, runner.seed, self._epoch)

    def before_train_epoch(self, runner: Runner) -> None:
        """Tell the data set, here and in the workers, which epoch it is."""
        if self._epoch is not None:
            self._epoch[0] = runner.epoch

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Seed this process for the network, whoever loaded the batch."""
        if self._epoch is not None:
            _seed_all(runner.seed, runner.epoch, 1, batch_idx, get_rank())


class _SeededItems:
    """Samples of a data set, each after seeding by epoch and index."""

    def __init__(self, dataset: Dataset, seed: int, epoch: Tensor) -> None:
        self.dataset = dataset
        self.seed = seed
        self.epoch = epoch

    def __call__(self, indices: list[int]) -> list:
        samples = []
        for index in indices:
            _seed_all(self.seed, int(self.epoch), 0, index)
            samples.append(self.dataset[index])
        return samples


def _seed_all(*words: int) -> None:
    """Seed Python, NumPy and torch by all the words together."""
    for function, word in zip(
        (random.seed, np.random.seed, torch.manual_seed),
        np.random.SeedSequence(words).generate_state(3).tolist(),
        strict=True,
    ):
        function(word)
