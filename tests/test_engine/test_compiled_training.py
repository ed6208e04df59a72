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


def run(folder, net, compiled):
    cfg = tiny_config(folder, epochs=1)
    if net == 'fdep':
        add_prior(cfg)
    cfg.custom_hooks = [dict(type='fdep_mm.LossRecorder')]
    if compiled:
        cfg.compile = dict(backend='eager')  # needs no C++ compiler
    runner = train(cfg)
    (hook,) = [h for h in runner.hooks if isinstance(h, LossRecorder)]
    return runner, hook.losses


@pytest.mark.parametrize('net', ['host', 'fdep'])
def test_losses_and_weights_of_two_steps(tmp_path, net):
    plain, expected = run(tmp_path / 'plain', net, False)
    torch._dynamo.reset()
    compiled, found = run(tmp_path / 'compiled', net, True)
    assert hasattr(compiled.model.train_step, '_torchdynamo_orig_callable')
    assert len(expected) == len(found) == 2
    for ours, theirs in zip(found, expected, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-5)
    assert ('main.decode.loss_edge_bce' in found[0]) == (net == 'fdep')
    torch.testing.assert_close(
        compiled.model.state_dict(),
        plain.model.state_dict(),
        rtol=1e-3,
        # AdamW makes a step of the rate, 1e-3, of any gradient: where one is
        # nearly 0, rounding shows
        atol=5e-4,
    )
