"""What a sample draws depends on epoch and index, not on who loads it."""

import numpy as np
import pytest
import torch
from fault_training import tiny_config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import TRANSFORMS


@TRANSFORMS.register_module(force=True)
class Draw:
    """Puts a random number into the sample's meta data."""

    def __call__(self, results: dict) -> dict:
        results['img_path'] = str(np.random.random())
        return results


class Collect(Hook):
    """What each epoch drew: numbers of the samples, and of the process."""

    def __init__(self) -> None:
        self.samples: dict[int, list[str]] = {}
        self.own: dict[int, list[float]] = {}

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        self.own.setdefault(runner.epoch, []).append(torch.rand(1).item())
        self.samples.setdefault(runner.epoch, []).extend(
            sample.img_path for sample in data_batch['data_samples']
        )


def draws(work_dir, num_workers, persistent, repeat=False, first=0):
    """Two epochs, from number `first` on."""
    cfg = tiny_config(work_dir, epochs=first + 2)
    loader = cfg.train_dataloader
    loader.update(num_workers=num_workers, persistent_workers=persistent)
    loader.dataset.pipeline = [
        dict(type='Draw'),
        dict(type='PackSegInputs', meta_keys=('img_path',)),
    ]
    loader.dataset.num_images = 4
    if repeat:
        loader.dataset = dict(
            type='RepeatDataset', times=2, dataset=loader.dataset
        )
    cfg.default_hooks.checkpoint = None
    cfg.update(val_dataloader=None, val_cfg=None, val_evaluator=None)
    runner = Runner.from_cfg(cfg)
    collect = Collect()
    runner.register_hook(collect)
    runner.train_loop._epoch = first
    runner.train()
    return collect


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    return draws(tmp_path_factory.mktemp('persistent'), 2, True)


def test_epochs_differ_and_can_be_entered_anywhere(tmp_path, whole):
    late = draws(tmp_path, 2, True, first=1)
    numbers = whole.samples[0] + whole.samples[1]
    assert len(set(numbers)) == len(numbers) == 8
    assert len({*whole.own[0], *whole.own[1]}) == 4
    assert late.samples[1] == whole.samples[1]
    assert late.own[1] == whole.own[1]


@pytest.mark.parametrize(
    ('num_workers', 'persistent'), [(0, False), (1, True), (2, False)]
)
def test_the_same_with_other_workers(tmp_path, whole, num_workers, persistent):
    other = draws(tmp_path, num_workers, persistent)
    assert other.samples == whole.samples
    assert other.own == whole.own


def test_an_image_that_comes_twice_is_not_augmented_alike(tmp_path):
    repeated = draws(tmp_path, 2, True, repeat=True)
    assert len(set(repeated.samples[0])) == 8
