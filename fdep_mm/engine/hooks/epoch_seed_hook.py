"""Random numbers that depend on epoch and index, not on what came before."""

import random
from functools import partial

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
    """Seeds each sample and each step of a training on its own.

    What a sample draws depends on the run's seed, the epoch and the sample's
    index; what the network draws, on seed, epoch, step and rank. So a resumed
    run sees the same crops, flips and dropout, with any ``num_workers``.

    Needs ``EpochBasedTrainLoop`` and a data set with indices; otherwise it
    warns and does nothing.
    """

    priority = 'VERY_HIGH'

    def before_train(self, runner: Runner) -> None:
        """Make the training data set seed each of its samples."""
        self._epoch = None
        dataset = runner.train_dataloader.dataset
        by_epoch = isinstance(runner.train_loop, EpochBasedTrainLoop)
        if not by_epoch or isinstance(dataset, IterableDataset):
            runner.logger.warning(
                'EpochSeedHook does nothing in a loop by iteration or for an '
                'IterableDataset: a resumed run will draw other random numbers'
            )
            return
        # seen by the workers, whenever they were started
        self._epoch = torch.zeros(1, dtype=torch.int64).share_memory_()
        # torch's data loader calls this, if it is there, for each batch; not
        # a transform, for which RepeatDataset's copies would be the same
        dataset.__getitems__ = partial(
            _seeded_samples, dataset, runner.seed, self._epoch
        )

    def before_train_epoch(self, runner: Runner) -> None:
        """Tell the data set which epoch it is, in the workers too."""
        if self._epoch is not None:
            self._epoch[0] = runner.epoch

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Seed this process for the network, whoever loaded the batch."""
        if self._epoch is not None:
            _seed_all(runner.seed, runner.epoch, 1, batch_idx, get_rank())


def _seeded_samples(
    dataset: Dataset, seed: int, epoch: Tensor, indices: list[int]
) -> list:
    samples = []
    for index in indices:
        _seed_all(seed, int(epoch), 0, index)
        samples.append(dataset[index])
    return samples


def _seed_all(*words: int) -> None:
    """Seed Python, NumPy and torch by all the words together."""
    seeds = np.random.SeedSequence(words).generate_state(3).tolist()
    random.seed(seeds[0])
    np.random.seed(seeds[1])
    torch.manual_seed(seeds[2])
