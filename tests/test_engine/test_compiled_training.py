"""MMEngine's ``compile`` in a real training: the same losses and weights."""

import pytest
import torch
from fault_training import add_prior, tiny_config, train
from mmengine.hooks import Hook

from fdep_mm.registry import HOOKS


@HOOKS.register_module(force=True)
class LossRecorder(Hook):
    """Keeps the losses of each step."""

    def __init__(self) -> None:
        self.losses = []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=()):
        losses = {key: value.item() for key, value in outputs.items()}
        self.losses.append(losses)


def run(folder, compiled):
    cfg = tiny_config(folder, epochs=1)
    add_prior(cfg)
    cfg.model.decode_head.num_blocks = 1
    # what is compiled is the whole step; AdamW's takes the longest
    cfg.optim_wrapper.optimizer = dict(type='SGD', lr=0.01)
    cfg.custom_hooks = [dict(type='fdep_mm.LossRecorder')]
    if compiled:
        cfg.compile = dict(backend='eager')  # needs no C++ compiler
    runner = train(cfg)
    (hook,) = [h for h in runner.hooks if isinstance(h, LossRecorder)]
    return runner, hook.losses


def test_losses_and_weights_of_two_steps(tmp_path):
    plain, expected = run(tmp_path / 'plain', False)
    torch._dynamo.reset()
    compiled, found = run(tmp_path / 'compiled', True)
    assert hasattr(compiled.model.train_step, '_torchdynamo_orig_callable')
    assert len(expected) == len(found) == 2
    for ours, theirs in zip(found, expected, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-5)
    assert 'main.decode.loss_edge_bce' in found[0]
    torch.testing.assert_close(
        compiled.model.state_dict(), plain.model.state_dict()
    )
