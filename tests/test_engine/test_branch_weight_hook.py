"""The weight of the main branch over a training run of FDEP."""

import pytest
from fault_training import add_prior, tiny_config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from fdep_mm.engine import BranchWeightHook


class Watch(Hook):
    """Which weights each iteration had."""

    priority = 'LOWEST'

    def __init__(self):
        self.seen = []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.seen.append(dict(runner.model.loss_weights))


def weights_of(tmp_path, **hook):
    cfg = tiny_config(tmp_path, epochs=2)  # two iterations each
    add_prior(cfg)
    cfg.model.loss_weights = dict(main=0.5, light=2.0)
    cfg.default_hooks.branch_weight = dict(
        type='fdep_mm.BranchWeightHook', **hook
    )
    cfg.default_hooks.checkpoint = None
    cfg.update(val_dataloader=None, val_cfg=None, val_evaluator=None)
    runner = Runner.from_cfg(cfg)
    watch = Watch()
    runner.register_hook(watch)
    runner.train()
    return watch.seen


def test_main_branch_fades(tmp_path):
    seen = weights_of(tmp_path, points=[(0, 1), (1, 0)])
    assert [w['main'] for w in seen] == [0.5, 0.375, 0.25, 0.125]
    assert {w['light'] for w in seen} == {2.0}


def test_main_branch_starts_late(tmp_path):
    seen = weights_of(tmp_path, points=[(0.5, 0), (0.5, 1)])
    assert [w['main'] for w in seen] == [0, 0, 0.5, 0.5]


@pytest.mark.parametrize('points', [[], [(0, 1), (2, 0)], [(1, 0), (0, 1)]])
def test_points_that_are_no_course(points):
    with pytest.raises(ValueError, match='rising order'):
        BranchWeightHook(points)


def test_unknown_branch():
    with pytest.raises(ValueError, match="branch='heavy'"):
        BranchWeightHook([(0, 1)], branch='heavy')


def test_host_without_branches(tmp_path):
    cfg = tiny_config(tmp_path, epochs=1)
    cfg.default_hooks.branch_weight = dict(
        type='fdep_mm.BranchWeightHook', points=[(0, 1)]
    )
    runner = Runner.from_cfg(cfg)
    with pytest.raises(TypeError, match='EncoderDecoder has no loss_weights'):
        runner.train()
