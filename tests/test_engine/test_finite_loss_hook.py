"""NaN in the loss never reaches the weights, and is never silent."""

import copy
from types import SimpleNamespace

import pytest
import torch
import torch.distributed as dist
from child_processes import run_ranks
from fault_training import tiny_config, weights
from mmengine.hooks import Hook
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement

from fdep_mm.engine import FiniteLossHook
from fdep_mm.engine.hooks.finite_loss_hook import ACTIONS


class Spoil(Hook):
    """Makes the images of some iterations NaN, and keeps the weights."""

    priority = 'HIGHEST'

    def __init__(self, iters: tuple[int, ...]) -> None:
        self.iters = iters
        self.states = []

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        self.states.append(copy.deepcopy(runner.model.state_dict()))
        if runner.iter in self.iters:
            self.names = [s.img_path for s in data_batch['data_samples']]
            data_batch['inputs'] = [
                image * float('nan') for image in data_batch['inputs']
            ]


def run(work_dir, iters, **settings):
    cfg = tiny_config(work_dir, epochs=1)
    cfg.default_hooks.finite_loss.update(settings)
    cfg.default_hooks.checkpoint = None
    cfg.train_dataloader.batch_size = 1
    cfg.update(val_dataloader=None, val_cfg=None, val_evaluator=None)
    runner = Runner.from_cfg(cfg)
    spoil = Spoil(iters)
    runner.register_hook(spoil)
    logged = []
    runner.logger.warning = logged.append
    error = None
    try:
        runner.train()
    except FloatingPointError as raised:
        error = str(raised)
    return runner, spoil, error, logged


def test_the_batch_is_named_and_the_weights_are_kept(tmp_path):
    runner, spoil, error, _ = run(tmp_path, iters=(1,))
    assert 'the loss is nan in epoch 1, iteration 2' in error
    assert all(name in error for name in spoil.names)
    assert "finite_loss.action='skip'" in error
    for parameter in runner.model.parameters():
        assert torch.isfinite(parameter).all()


def test_a_batch_can_be_left_out(tmp_path):
    runner, spoil, error, logged = run(tmp_path, (1,), action='skip')
    assert error is None
    before, after = spoil.states[1], spoil.states[2]
    for key, value in before.items():
        # norms too: their statistics saw the NaN
        assert torch.equal(value, after[key]), key
    final = runner.model.state_dict()
    assert all(torch.isfinite(value).all() for value in final.values())
    assert any((final[key] != after[key]).any() for key in final)
    (text,) = [text for text in logged if 'skipped' in text]
    assert 'iteration 2: skipped, number 1 of this run' in text
    assert all(name in text for name in spoil.names)


def test_leaving_out_ends(tmp_path):
    *_, error, _ = run(tmp_path, (0, 1, 2, 3), action='skip', max_in_a_row=2)
    assert 'iteration 3 (3 in a row)' in error


def test_spoiled_weights_are_told_from_spoiled_images(tmp_path):
    cfg = tiny_config(tmp_path, epochs=1)
    cfg.default_hooks.finite_loss.action = 'skip'
    runner = Runner.from_cfg(cfg)
    runner.model.init_weights()
    runner.model.init_weights = lambda: None
    weight = next(runner.model.parameters())
    weight.data.fill_(float('inf'))
    with pytest.raises(FloatingPointError, match='earlier step') as error:
        runner.train()
    assert 'clip_grad' in str(error.value)


class SpoilGradients(Hook):
    """The loss of one iteration is finite, its gradients are not."""

    def __init__(self, iteration: int) -> None:
        self.iteration = iteration

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        if runner.iter == self.iteration:
            weight = next(runner.model.parameters())
            weight.register_hook(lambda grad: grad * float('inf'))


def test_spoiled_weights_are_not_saved(tmp_path):
    cfg = tiny_config(tmp_path, epochs=2)
    cfg.default_hooks.checkpoint.max_keep_ckpts = 1
    runner = Runner.from_cfg(cfg)
    runner.register_hook(SpoilGradients(3))
    name = next(iter(runner.model.named_parameters()))[0]
    with pytest.raises(FloatingPointError, match='not finite after') as error:
        runner.train()
    assert name in str(error.value)
    assert 'clip_grad' in str(error.value)
    for value in weights(tmp_path / 'epoch_1.pth').values():
        assert torch.isfinite(value).all()
    assert not (tmp_path / 'epoch_2.pth').exists()


def step_on_rank(rank: int, world: int, folder: str) -> None:
    """Three steps, of which the second is NaN in the last process only."""
    torch.set_num_threads(1)
    dist.init_process_group(
        'gloo', f'file://{folder}/store', rank=rank, world_size=world
    )
    found = {action: three_steps(rank, action) for action in ACTIONS}
    torch.save(found, f'{folder}/{rank}.pt')
    dist.destroy_process_group()


def three_steps(rank: int, action: str) -> dict:
    model = torch.nn.Linear(1, 1)
    torch.nn.init.ones_(model.weight)
    model = MMDistributedDataParallel(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    logged = []
    runner = SimpleNamespace(
        model=model,
        optim_wrapper=OptimWrapper(optimizer),
        logger=SimpleNamespace(warning=logged.append),
        epoch=0,
        iter=0,
        val_loop=None,
    )
    hook = FiniteLossHook(action)
    hook.before_train(runner)
    seen, error = [], None
    try:
        for runner.iter in range(3):
            image = BaseDataElement(metainfo=dict(img_path=f'{rank}.png'))
            hook.before_train_iter(runner, 0, dict(data_samples=[image]))
            loss = model(torch.ones(1, 1)).sum() * (rank + 1)
            if runner.iter == 1 and rank == dist.get_world_size() - 1:
                loss = loss * float('nan')
            runner.optim_wrapper.update_params(loss)
            seen.append(model.module.weight.item())
    except FloatingPointError as raised:
        error = str(raised)
    return dict(seen=seen, error=error, logged=logged)


def test_all_processes_do_the_same(tmp_path):
    good, bad = run_ranks(step_on_rank, 2, tmp_path)
    for action in ACTIONS:
        assert good[action]['seen'] == bad[action]['seen']
    before, skipped, after = good['skip']['seen']
    assert before == skipped != after
    assert len(good['raise']['seen']) == 1
    assert 'the batch: images of another process' in good['raise']['error']
    assert 'the batch: 1.png' in bad['raise']['error']
    assert 'images of another process' in good['skip']['logged'][0]
    assert '1.png' in bad['skip']['logged'][0]


def test_labels_are_read_up_to_the_first_target(monkeypatch):
    read = []

    def has_target(sample):
        read.append(sample)
        return sample == 'b'

    name = 'fdep_mm.engine.hooks.finite_loss_hook.has_target'
    monkeypatch.setattr(name, has_target)
    hook = FiniteLossHook()
    for samples in ('abc', 'de'):
        hook.before_train_iter(None, 0, dict(data_samples=list(samples)))
    assert read == ['a', 'b']


def test_an_unknown_action(tmp_path):
    cfg = tiny_config(tmp_path)
    cfg.default_hooks.finite_loss.action = 'ignore'
    with pytest.raises(ValueError, match="'raise', 'skip'"):
        Runner.from_cfg(cfg)
