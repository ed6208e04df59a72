"""Statistics of batch norms that are computed for fixed weights."""

import copy

import pytest
import torch
from child_processes import run_ranks
from fault_training import tiny_config, train
from mmengine.model import BaseModel
from mmengine.runner import Runner
from mmseg.models.backbones import ResNet
from torch import nn

from fdep_mm.core.checkpoints import read_checkpoint
from fdep_mm.engine.hooks import precise_bn_hook
from fdep_mm.engine.hooks.precise_bn_hook import compute_statistics


class Net(BaseModel):
    """A norm that is run, one behind dropout, one that is not run."""

    def __init__(self):
        super().__init__()
        self.first = nn.BatchNorm2d(3, momentum=0.9)
        self.second = nn.BatchNorm2d(3)
        self.unused = nn.BatchNorm2d(3)

    def forward(self, inputs, data_samples=None, mode='tensor'):
        assert mode == 'tensor'
        x = torch.dropout(self.first(inputs), 0.5, self.training)
        return self.second(x)


def test_averages_of_all_batches():
    torch.manual_seed(0)
    net = Net().train()
    before = copy.deepcopy(net)
    batches = [torch.randn(4, 3, 5, 5) * i + i for i in (1, 2, 5)]
    compute_statistics(net, [dict(inputs=b) for b in batches])
    mean = sum(b.mean((0, 2, 3)) for b in batches) / 3
    var = sum(b.transpose(0, 1).flatten(1).var(1) for b in batches) / 3
    torch.testing.assert_close(net.first.running_mean, mean)
    torch.testing.assert_close(net.first.running_var, var)
    # what the second norm sees without dropout is normalized already
    torch.testing.assert_close(
        net.second.running_mean, torch.zeros(3), atol=1e-5, rtol=0
    )
    assert net.unused.running_mean.equal(before.unused.running_mean)
    assert net.training and net.first.momentum == 0.9
    assert net.first.num_batches_tracked == 0


class Frozen(BaseModel):
    """A backbone some of whose norms stay, and a norm that does not."""

    def __init__(self, **options):
        super().__init__()
        self.backbone = ResNet(18, **options)
        self.norm = nn.BatchNorm2d(512)

    def forward(self, inputs, data_samples=None, mode='tensor'):
        return self.norm(self.backbone(inputs)[-1])


@pytest.mark.parametrize('trained', [True, False])
@pytest.mark.parametrize(
    ('options', 'computed'),
    [
        (dict(norm_eval=True), {'norm'}),
        (dict(frozen_stages=3), {'backbone.layer4', 'norm'}),
    ],
)
def test_frozen_norms_keep_their_statistics(options, computed, trained):
    """Before a test, too, where nothing has frozen them yet."""
    net = Frozen(**options)
    if trained:
        net.train()
    before = copy.deepcopy(net)
    compute_statistics(net, [dict(inputs=torch.randn(2, 3, 32, 32))])
    others = before.state_dict()
    changed = {
        key.partition('running_')[0]
        for key, value in net.state_dict().items()
        if not value.equal(others[key])
    }
    expected = {
        f'{name}.'
        for name, module in net.named_modules()
        if isinstance(module, nn.BatchNorm2d)
        and name.startswith(tuple(computed))
    }
    assert changed == expected
    modes = [[m.training for m in one.modules()] for one in (net, before)]
    assert modes[0] == modes[1]


def statistics_of_rank(rank: int, world: int, folder: str) -> None:
    torch.distributed.init_process_group(
        'gloo', f'file://{folder}/store', rank=rank, world_size=world
    )
    net = Net()
    inputs = torch.full((1, 3, 2, 2), 2.0 * rank)
    compute_statistics(net, [dict(inputs=inputs)])
    torch.save(net.first.running_mean, f'{folder}/{rank}.pt')
    torch.distributed.destroy_process_group()


def test_processes_are_averaged(tmp_path):
    for mean in run_ranks(statistics_of_rank, 2, tmp_path):
        assert mean.tolist() == [1.0] * 3


def test_checkpoints_hold_what_the_training_set_gives(tmp_path):
    cfg = tiny_config(tmp_path, epochs=2)
    cfg.train_cfg.val_interval = 2
    cfg.default_hooks.precise_bn = dict(type='fdep_mm.PreciseBNHook')
    train(cfg)
    with_hook = read_checkpoint(tmp_path / 'epoch_2.pth')['state_dict']
    cfg = tiny_config(tmp_path / 'without', epochs=2)
    cfg.train_cfg.val_interval = 2
    train(cfg)
    path = tmp_path / 'without' / 'epoch_2.pth'
    without = read_checkpoint(path)['state_dict']
    differ = {k for k in without if not without[k].equal(with_hook[k])}
    assert differ
    assert all('running_' in key for key in differ)

    # the same from the other checkpoint, before a test
    cfg.load_from = str(path)
    cfg.work_dir = str(tmp_path / 'test')
    cfg.custom_hooks = [dict(type='fdep_mm.PreciseBNHook', before_test=True)]
    cfg.train_dataloader.sampler.type = 'InfiniteSampler'
    runner = Runner.from_cfg(cfg)
    runner.test()
    state = runner.model.state_dict()
    for key in differ:
        if 'mean' in key:
            spread = with_hook[key.replace('mean', 'var')].sqrt()
            assert ((state[key] - with_hook[key]).abs() < spread).all()


@pytest.fixture
def passes(monkeypatch):
    """What is given to each pass of the training set, which is left out."""
    calls = []
    monkeypatch.setattr(
        precise_bn_hook, 'compute_statistics', lambda *args: calls.append(args)
    )
    return calls


def test_no_pass_before_the_first_validation(tmp_path, passes):
    cfg = tiny_config(tmp_path, epochs=4)
    cfg.train_cfg.val_begin = 3
    cfg.default_hooks.precise_bn = dict(type='fdep_mm.PreciseBNHook')
    train(cfg)
    assert len(passes) == 2


def test_a_loop_by_iteration(tmp_path, monkeypatch):
    passes = []

    def read_names(model, loader):
        batches = [batch['data_samples'] for batch in loader]
        passes.append([sample.img_path for sample in sum(batches, [])])

    monkeypatch.setattr(precise_bn_hook, 'compute_statistics', read_names)
    cfg = tiny_config(tmp_path)
    cfg.train_cfg = dict(
        type='IterBasedTrainLoop', max_iters=7, val_begin=3, val_interval=2
    )
    cfg.train_dataloader.sampler.type = 'InfiniteSampler'
    cfg.default_hooks.checkpoint.update(
        by_epoch=False, interval=2, save_best=None
    )
    cfg.default_hooks.precise_bn = dict(type='fdep_mm.PreciseBNHook')
    runner = train(cfg)
    images = len(runner.train_dataloader.dataset)
    assert len(passes) == 3  # iterations 4, 6 and 7
    for names in passes:
        assert len(set(names)) == len(names) == images


def test_an_averaged_network_is_not_this_one(tmp_path):
    cfg = tiny_config(tmp_path)
    cfg.default_hooks.precise_bn = dict(type='fdep_mm.PreciseBNHook')
    cfg.custom_hooks = [dict(type='EMAHook')]
    with pytest.raises(ValueError, match='PreciseBNHook and EMAHook'):
        train(cfg)
