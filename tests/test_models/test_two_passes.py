"""What both branches share is computed once, and nothing else changes."""

import pytest
import torch
from builders import NET_NAMES, build, fdep_cfg, images, samples
from mmengine.runner.activation_checkpointing import (
    turn_on_activation_checkpointing,
)
from test_co_isd import HOSTS, running_stats
from torch import nn
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import (
    checkpoint_wrapper,
)

from fdep_mm.models.layers.two_passes import computed_once, depends_on

# Blocks of the decoder that read encoder features other than the bottleneck
# alone: gates, contrasts, transfers and side outputs.
ONCE = {
    'ACM': ['fuse1.bottomup', 'fuse2.bottomup'],
    'ALCNet': ['fuse1.bottomup', 'fuse2.bottomup'],
    'DNANet': ['sides.0', 'sides.1', 'sides.2'],
    'ALCLNet': [f'transfers.{i}' for i in range(4)],
    'GGLNet': [f'transfers.{i}' for i in range(4)],
    'MSDANet': [f'transfers.{i}' for i in range(4)],
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


@pytest.mark.parametrize('host', HOSTS)
def test_losses_and_gradients_are_those_of_two_passes(host):
    model = without_dropout(host)
    found = model.loss(images(), samples())
    found_grads = gradients(model, found)
    feats = list(model._host_feats(images()))
    fused = list(feats)
    fused[model.bottleneck] = model.samf(
        model._pick(feats), model._priors(images(), samples())
    )
    expected = model._branch_loss(fused, samples(), 'main')
    expected |= model._branch_loss(feats, samples(), 'light')
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
    for main, light in once:
        assert main is light
    main, light = logits
    assert not torch.equal(main, light)


@pytest.mark.parametrize('net', NET_NAMES)
def test_forwards_are_the_classes_own_afterwards(net):
    model = without_dropout(net)
    model.loss(images(), samples())
    assert not own_forwards(model)
    with pytest.raises(ValueError, match='must be the same'):
        model.loss(images(), samples(1))
    assert not own_forwards(model)


def own_forwards(model: nn.Module) -> dict:
    """Of modules whose forward is not their class's."""
    return {
        name: vars(module)['forward']
        for name, module in model.named_modules()
        if 'forward' in vars(module)
    }


class Two(nn.Module):
    """A norm and an activation, one behind the other."""

    def __init__(self, act: nn.Module):
        super().__init__()
        self.norm = nn.BatchNorm2d(3)
        self.act = act
        self.last = nn.Conv2d(3, 1, 1)

    def forward(self, x):
        return self.last(self.act(self.norm(x)))


def test_results_pass_from_module_to_module():
    model = Two(nn.ReLU())
    x, other = torch.randn(2, 2, 3, 4, 4)
    with computed_once(model, [x]):
        norm = model.norm(x)
        act = model.act(norm)
        assert model.norm(x) is norm and model.act(norm) is act
        assert model.norm(other) is not model.norm(other)
    assert model.norm.num_batches_tracked == 3
    assert model.norm(x) is not norm


def test_a_result_changed_in_place_is_computed_again():
    model = Two(nn.ReLU(inplace=True))
    x = torch.randn(2, 3, 4, 4)
    expected = model(x)
    with computed_once(model, [x]):
        model.norm(x).mul_(0)
        torch.testing.assert_close(model.norm(x), nn.BatchNorm2d(3)(x))
        torch.testing.assert_close(model(x), expected)
        torch.testing.assert_close(model(x), expected)


def test_an_argument_changed_in_place_is_read_again():
    model = Two(nn.Sigmoid())
    x = torch.randn(2, 3, 4, 4)
    with computed_once(model, [x]):
        before = model.act(x).clone()
        x.add_(1)
        assert not torch.equal(model.act(x), before)


def test_results_without_gradients_or_of_another_mode_are_not_taken():
    model = Two(nn.ReLU())
    x = torch.randn(2, 3, 4, 4)
    with computed_once(model, [x]):
        with torch.no_grad():
            assert not model.norm(x).requires_grad
        training = model.norm(x)
        assert training.requires_grad
        assert not torch.equal(model.eval().norm(x), training)
        assert model.train().norm(x) is training


def test_calls_with_more_than_a_shared_tensor_are_left_alone():
    model = nn.ModuleDict(dict(mix=nn.Bilinear(3, 3, 1), own=nn.Linear(3, 3)))
    outputs = outputs_of(model['own'])
    a, b = torch.randn(2, 4, 3)
    with computed_once(model, [a]):
        assert model['mix'](a, a) is not model['mix'](a, a)
        assert model['own'](b) is not model['own'](b)
        assert model['own'](input=a) is not model['own'](input=a)
    assert len({id(output) for output in outputs}) == 4


def checkpoint_in_the_class(model, block):
    """As torch's wrapper, which MMEngine's FSDP uses, does it."""
    *parents, name = block.split('.')
    parent = model.get_submodule('.'.join(parents))
    parent._modules[name] = checkpoint_wrapper(parent._modules[name])


@pytest.mark.parametrize(
    'checkpoint', [turn_on_activation_checkpointing, checkpoint_in_the_class]
)
@pytest.mark.parametrize('block', ['transfers.0', 'fusions.0'])
def test_with_activation_checkpointing(block, checkpoint):
    block = f'decode_head.{block}'
    plain, checkpointed = (
        without_dropout('ALCLNet'),
        without_dropout('ALCLNet'),
    )
    checkpoint(checkpointed, block)
    before = own_forwards(checkpointed)
    expected = gradients(plain, plain.loss(images(), samples()))
    found = gradients(checkpointed, checkpointed.loss(images(), samples()))
    # the wrapper's name is in those of the parameters
    for a, b in zip(found.values(), expected.values(), strict=True):
        torch.testing.assert_close(a, b)
    assert own_forwards(checkpointed) == before


@pytest.mark.parametrize('main_bn', ['shared', 'no_update'])
def test_norms_of_shared_blocks_update_once(main_bn):
    torch.manual_seed(0)
    model = build(fdep_cfg('MSDANet', main_bn=main_bn)).train()
    host = build(fdep_cfg('MSDANet')).train()
    host.load_state_dict(model.state_dict())
    model.loss(images(), samples())
    host._host_loss(list(host._host_feats(images())), samples())
    ours = running_stats(model.decode_head.transfers[:-1])
    theirs = running_stats(host.decode_head.transfers[:-1])
    assert len(ours) > 3
    for name, stats in theirs.items():
        torch.testing.assert_close(ours[name], stats)


def test_depends_on():
    weight = torch.ones(3, requires_grad=True)
    source = weight * 2
    assert depends_on(source.exp().sum(), source)
    assert not depends_on(weight.exp().sum(), source)
    assert not depends_on(torch.ones(3).sum(), source)
    assert not depends_on(source.detach().sum(), source)
