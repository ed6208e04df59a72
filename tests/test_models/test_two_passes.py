"""What both branches share is computed once, and nothing else changes."""

import pytest
import torch
from builders import build, fdep_cfg, images, samples
from test_co_isd import HOSTS
from torch import nn

from fdep_mm.models.two_passes import depends_on, kept_statistics

# Blocks of decoders that read encoder features other than the bottleneck.
ONCE = {
    'ALCLNet': [f'transfers.{i}' for i in range(4)],
    'GGLNet': [f'transfers.{i}' for i in range(4)],
    'MSDANet': [f'transfers.{i}' for i in range(4)],
    'MLCLNet': ['contrasts.0', 'laterals.1'],
}


def without_dropout(host):
    torch.manual_seed(0)
    model = build(HOSTS[host]()).train()
    for module in model.modules():
        for name in ('p', 'drop_prob'):  # of a dropout, of a drop path
            if hasattr(module, name):
                setattr(module, name, 0.0)
    return model


def outputs_of(module: nn.Module) -> list:
    """What a module gives, call by call."""
    outputs: list = []
    module.register_forward_hook(lambda *args: outputs.append(args[-1]))
    return outputs


def gradients(model, losses):
    model.zero_grad()
    total, _ = model.parse_losses(losses)
    total.backward()
    return {n: p.grad.clone() for n, p in model.named_parameters()}


def test_norms_without_momentum_keep_their_average():
    """Of all batches, so it depends on their number."""
    norm, other = (nn.BatchNorm2d(3, momentum=None) for _ in range(2))
    for step in range(3):
        batch = images() + 10 * step
        norm(batch), other(batch)
        with kept_statistics(other):
            other(batch)
    torch.testing.assert_close(other.state_dict(), norm.state_dict())
    assert other.momentum is None


@pytest.mark.parametrize('host', HOSTS)
def test_losses_and_gradients_are_those_of_two_passes(host):
    model = without_dropout(host)
    found = model.loss(images(), samples())
    found_grads = gradients(model, found)
    feats = list(model._host_feats(images()))
    fused = list(feats)
    fused[model.bottleneck] = model.samf(
        feats[model.bottleneck], model._priors(images(), samples())
    )
    expected = {}
    for branch, given in dict(main=fused, light=feats).items():
        losses = model._host_loss(given, None, samples())
        expected |= {f'{branch}.{key}': loss for key, loss in losses.items()}
    assert found.keys() == expected.keys()
    torch.testing.assert_close(found, expected)
    expected_grads = gradients(model, expected)
    largest = max(grad.abs().max().item() for grad in expected_grads.values())
    torch.testing.assert_close(
        found_grads, expected_grads, rtol=1e-3, atol=1e-6 * largest
    )


@pytest.mark.parametrize('net', ONCE)
def test_blocks_that_the_prior_cannot_reach_run_once(net):
    model = build(fdep_cfg(net)).train()
    blocks = [model.decode_head.get_submodule(name) for name in ONCE[net]]
    once = [outputs_of(block) for block in blocks]
    logits = outputs_of(model.decode_head.logits)
    model.loss(images(), samples())
    assert [len(outputs) for outputs in once] == [1] * len(once)
    main, light = logits
    assert not torch.equal(main, light)


def test_depends_on():
    weight = torch.ones(3, requires_grad=True)
    source = weight * 2
    assert depends_on(source.exp().sum(), source)
    assert not depends_on(weight.exp().sum(), source)
    assert not depends_on(torch.ones(3).sum(), source)
    assert not depends_on(source.detach().sum(), source)
