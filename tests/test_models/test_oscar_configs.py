"""The configs of OSCAR: what they build, and the published schedule."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import PARAM_SCHEDULERS, init_default_scope

from fdep_mm.registry import METRICS, MODELS

pytest.importorskip('mmdet.models')

CONFIGS = Path(__file__).parents[2] / 'configs/oscar'
LEAVES = sorted(CONFIGS.glob('*.py'))


def load(name: str) -> Config:
    cfg = Config.fromfile(CONFIGS / name)
    init_default_scope(cfg.default_scope)
    return cfg


@pytest.mark.parametrize('path', LEAVES, ids=lambda path: path.stem)
def test_leaf_builds_and_its_best_checkpoint_exists(path):
    cfg = load(path.name)
    model = MODELS.build(cfg.model)
    width = model.neck.fpn_convs[0].out_channels
    assert f'fpn-{width}_' in path.stem
    mean = torch.tensor(cfg.data_preprocessor.mean).view(-1, 1, 1)
    torch.testing.assert_close(model.data_preprocessor.mean, mean)
    assert model.data_preprocessor.pad_size_divisor == 32
    evaluators = [METRICS.build(metric) for metric in cfg.val_evaluator]
    prefix, key = cfg.default_hooks.checkpoint.save_best.split('/')
    assert key == 'mNoCoAP'
    assert [m.prefix for m in evaluators].count(prefix) == 1


def test_published_learning_rates():
    """Of the log: 9.8e-5 at iteration 50, then steps of 1/12 by epoch."""
    cfg = load('oscar_r18_fpn-256_1x_sirstv2.py')
    optimizer = torch.optim.AdamW(
        [torch.zeros(1)], cfg.optim_wrapper.optimizer.lr
    )
    schedulers = [
        PARAM_SCHEDULERS.build(dict(scheduler, optimizer=optimizer))
        for scheduler in cfg.param_scheduler
    ]
    rates = []
    for _ in range(cfg.train_cfg.max_epochs):
        for _ in range(577):
            rates.append(optimizer.param_groups[0]['lr'])
            for scheduler in schedulers:
                if not scheduler.by_epoch:
                    scheduler.step()
        for scheduler in schedulers:
            if scheduler.by_epoch:
                scheduler.step()
    assert rates[49] == pytest.approx(9.8e-5, rel=1e-3)
    assert rates[999] == pytest.approx(0.999 * 2e-3 * 11 / 12, rel=1e-4)
    for epoch in range(2, 12):
        rate = 2e-3 * (1 - epoch / 12)
        assert rates[577 * epoch] == pytest.approx(rate, rel=1e-4)
        assert rates[577 * epoch + 576] == pytest.approx(rate, rel=1e-4)


def test_published_recipe():
    cfg = load('oscar_r18_fpn-256_1x_sirstv2.py')
    assert cfg.optim_wrapper.optimizer.type == 'AdamW'
    assert cfg.optim_wrapper.optimizer.weight_decay == 0.05
    assert 'paramwise_cfg' not in cfg.optim_wrapper
    assert cfg.train_dataloader.batch_size == 4
    repeat = cfg.train_dataloader.dataset
    assert (repeat.type, repeat.times) == ('RepeatDataset', 3)
    assert not repeat.dataset.filter_cfg.filter_empty_gt
    head = MODELS.build(cfg.model).bbox_head
    assert not head.detach_anchors
    assert head.loss_cls.loss_weight == 2
    assert (head.loss_cls.gamma, head.loss_cls.alpha) == (3, 0.25)
    assert head.loss_noco.loss_weight == 1000
