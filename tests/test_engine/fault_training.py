"""A training of seconds, and processes to be killed in the middle of it."""

import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.runner import Runner

CONFIGS = Path(__file__).parents[2] / 'configs'
SIZE = (32, 32)


def tiny_config(work_dir: Path, epochs: int = 2, **dataset) -> Config:
    """ACM on 8 synthetic images, with the hooks that every config has."""
    cfg = Config.fromfile(CONFIGS / 'acm/acm_1xb16-12e_synthetic-128x128.py')
    cfg.work_dir = str(work_dir)
    cfg.train_cfg.update(max_epochs=epochs, val_interval=1)
    cfg.default_hooks.checkpoint.interval = 1
    cfg.model.backbone.num_blocks = 1
    for name in ('train', 'val', 'test'):
        loader = cfg[f'{name}_dataloader']
        loader.update(num_workers=0, persistent_workers=False, batch_size=4)
        loader.dataset.update(num_images=8, img_size=SIZE)
    cfg.train_dataloader.dataset.update(dataset)
    cfg.model.data_preprocessor.size = SIZE
    cfg.randomness = dict(seed=0, deterministic=True)
    cfg.visualizer.vis_backends = []
    cfg.custom_hooks = []
    cfg.log_level = 'WARNING'
    cfg.experiment_name = f'{work_dir.name}_{os.getpid()}_{id(cfg)}'
    return cfg


def train(cfg: Config) -> Runner:
    runner = Runner.from_cfg(cfg)
    runner.train()
    return runner


def resume(cfg: Config) -> Runner:
    cfg.resume = True
    return train(cfg)


def weights(path: Path) -> dict:
    return torch.load(path, weights_only=False)['state_dict']


def assert_same_weights(one: Path, other: Path) -> None:
    one, other = weights(one), weights(other)
    assert one.keys() == other.keys()
    for key, value in one.items():
        assert torch.equal(value, other[key]), key


def in_child(function: Callable, *args) -> int:
    """Call a function in a process of its own; how that ended.

    From a server that has imported the packages already, and has no threads
    that a fork could miss.
    """
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload(['mmseg.models', 'fdep_mm.models'])
    process = context.Process(target=function, args=args)
    process.start()
    process.join(120)
    if process.is_alive():
        process.kill()
        raise TimeoutError(f'{function.__name__}{args} hangs')
    return process.exitcode
