"""A training of seconds, and processes that die in the middle of it."""

import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import plain_configs  # noqa: F401, for the processes
import torch
from child_processes import fork_server
from mmengine.config import Config
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook, checkpoint_hook
from mmengine.runner import Runner

from fdep_mm.core.checkpoints import read_checkpoint
from fdep_mm.registry import HOOKS, METRICS

CONFIGS = Path(__file__).parents[2] / 'configs'


@METRICS.register_module(force=True)
class MeanProb(BaseMetric):
    """Moves with the weights, so that there is a new best each epoch."""

    default_prefix = 'mean'

    def process(self, data_batch: dict, data_samples: list[dict]) -> None:
        self.results += [
            sample['seg_logits']['data'].double().mean().item()
            for sample in data_samples
        ]

    def compute_metrics(self, results: list[float]) -> dict:
        return dict(prob=sum(results) / len(results))


@HOOKS.register_module(force=True)
class DyingHook(Hook):
    """Ends a process, without a chance to clear up, in epoch 2.

    It is that of the training, or one that loads its data.
    """

    priority = 'LOWEST'

    def __init__(self, moment: str) -> None:
        self.moment = moment

    def after_train_iter(self, runner, batch_idx, **_) -> None:
        if runner.epoch == 1 and self.moment == 'epoch':
            die()
        elif runner.epoch == 1 and self.moment == 'worker':
            (worker, *_) = runner.train_dataloader._iterator._workers
            os.kill(worker.pid, signal.SIGKILL)
            # PyTorch hears of it; reaping the worker here would prevent that
            time.sleep(1)

    def after_val_iter(self, runner, **_) -> None:
        if runner.epoch == 2 and self.moment == 'validation':
            die()

    def before_save_checkpoint(self, runner, checkpoint) -> None:
        if checkpoint['meta']['epoch'] != 2:
            return
        best = 'optimizer' not in checkpoint
        if self.moment == ('best' if best else 'last'):
            # the kernel ends the process in the middle of the file
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
            limit_files()
        elif self.moment == 'full' and not best:
            limit_files()
        elif self.moment == 'no space' and not best:
            part = Path(runner.work_dir, 'epoch_2.pth.part')
            part.symlink_to('/dev/full')
        elif self.moment == 'record' and not best:
            checkpoint_hook.open = empty_and_die


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def empty_and_die(path: str, mode: str) -> None:
    open(path, mode).close()
    die()


def limit_files(size: int = 20_000) -> None:
    sys.dont_write_bytecode = True  # or a module is cut off for good
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def tiny_config(work_dir: Path, epochs: int = 3) -> Config:
    """ACM on 8 synthetic images, with the hooks that every config has."""
    path = CONFIGS / 'acm/acm_1xb16-12e_synthetic-128x128.py'
    cfg = Config.fromfile(path)
    cfg.work_dir = str(work_dir)
    cfg.train_cfg.update(max_epochs=epochs, val_interval=1)
    cfg.default_hooks.checkpoint.update(
        interval=1, save_best='mean/prob', rule='less'
    )
    cfg.val_evaluator = dict(type='fdep_mm.MeanProb')
    cfg.model.backbone.num_blocks = 1
    for name in ('train', 'val', 'test'):
        loader = cfg[f'{name}_dataloader']
        loader.update(num_workers=0, persistent_workers=False, batch_size=2)
        loader.dataset.update(num_images=4, img_size=(32, 32))
    cfg.model.data_preprocessor.size = (32, 32)
    # with this seed every epoch is a new best, which 'best' is killed at
    cfg.randomness = dict(seed=1, deterministic=True)
    cfg.visualizer.vis_backends = []
    cfg.custom_hooks = []
    cfg.log_level = 'WARNING'
    cfg.experiment_name = f'{work_dir.name}_{os.getpid()}_{id(cfg)}'
    return cfg


def add_prior(cfg: Config) -> None:
    """Make the network one with an FDEP branch; its VFM is random."""
    vfm = dict(type='fdep_mm.FrozenVFM', model_name='test_vit')
    cfg.model.update(
        type='fdep_mm.COISDSegmentor',
        vfm=dict(vfm, out_indices=(1,), pretrained=False),
        samf=dict(type='fdep_mm.SAMFNeck'),
    )


def train(cfg: Config, resume: bool = False) -> Runner:
    cfg.resume = resume
    runner = Runner.from_cfg(cfg)
    runner.train()
    return runner


def weights(path: Path) -> dict:
    return read_checkpoint(path)['state_dict']


def assert_same_weights(one: Path, other: Path) -> None:
    one, other = weights(one), weights(other)
    assert one.keys() == other.keys()
    for key, value in one.items():
        assert torch.equal(value, other[key]), key


def in_child(function: Callable, *args) -> int:
    """Call a function in a process of its own; how that ended.

    It is forked from a server that has no threads.
    """
    process = fork_server().Process(target=function, args=args)
    process.start()
    process.join(300)
    if process.is_alive():
        process.kill()
        raise TimeoutError(f'{function.__name__}{args} hangs')
    return process.exitcode
