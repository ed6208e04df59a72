"""NaN in the loss never reaches the weights, and is never silent."""

import copy

import pytest
import torch
from fault_training import tiny_config
from mmengine.hooks import Hook
from mmengine.runner import Runner


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
    (count,) = [text for text in logged if 'batches of epoch' in text]
    assert '1 of 4 batches of epoch 1 were left out' in count
    assert all(name in count for name in spoil.names)


def test_leaving_out_ends(tmp_path):
    *_, error, _ = run(tmp_path, (0, 1, 2, 3), action='skip', max_in_a_row=2)
    assert 'the last of 3 such batches in a row' in error


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


def test_an_unknown_action(tmp_path):
    cfg = tiny_config(tmp_path)
    cfg.default_hooks.finite_loss.action = 'ignore'
    with pytest.raises(ValueError, match="'raise', 'skip'"):
        Runner.from_cfg(cfg)
