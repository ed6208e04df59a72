"""One contract for every host network; a new one adds a line to NETS."""

import copy
import functools

import pytest
import torch
from builders import (
    NET_NAMES,
    NETS,
    SMALLEST,
    build,
    host_cfg,
    images,
    samples,
    size,
)

import fdep_mm.models.nets
from fdep_mm.registry import MODELS

names = pytest.mark.parametrize('net', NET_NAMES)
strides = pytest.mark.parametrize('net, stride', [(r[0], r[3]) for r in NETS])


@functools.cache
def host(net):
    """For tests that do not change it: the largest takes a second to make."""
    return build(host_cfg(net)).eval()


def small(net):
    return (SMALLEST.get(net, 64),) * 2


def count_macs(model, x):
    """Multiply-adds of convolutions and transposed convolutions."""
    total = 0

    def count(module, inputs, output):
        nonlocal total
        weight = module.weight
        grid = (
            inputs[0]
            if isinstance(module, torch.nn.ConvTranspose2d)
            else output
        )
        total += weight.numel() * grid.shape[2] * grid.shape[3]

    hooks = [
        m.register_forward_hook(count)
        for m in model.modules()
        if isinstance(m, torch.nn.Conv2d | torch.nn.ConvTranspose2d)
    ]
    with torch.no_grad():
        model(x)
    for hook in hooks:
        hook.remove()
    return total


def test_every_network_is_here():
    encoders = {n for n in dir(fdep_mm.models.nets) if n.endswith('Encoder')}
    assert {f'{net}Encoder' for net in NET_NAMES} == encoders


@pytest.mark.parametrize('net, params, gray, stride, channels, macs', NETS)
def test_exact_size(net, params, gray, stride, channels, macs):
    model = host(net)
    assert size(model) == params
    shapes = copy.deepcopy(model).to('meta')  # nothing is computed
    assert count_macs(shapes, images(1, (256, 256)).to('meta')) == macs
    deepest = model.backbone(images(1, (64, 64)))[-1]
    assert deepest.shape == (1, channels, 64 // stride, 64 // stride)


@strides
def test_output_has_the_size_of_the_input(net, stride):
    model = host(net)
    least = SMALLEST.get(net, stride)
    for rows, columns in ((0, 0), (1, 4), (3, 2)):
        size = (least + rows * stride, least + columns * stride)
        assert model(images(1, size)).shape == (1, 1, *size)


@strides
def test_other_sizes_are_refused(net, stride):
    side = 2 * stride
    for height, width in ((side + 1, side), (side, side + 1)):
        message = f'{net}.*multiples of {stride}, got {height}x{width}'
        with pytest.raises(ValueError, match=message):
            host(net)(images(1, (height, width)))


@names
def test_every_parameter_gets_a_gradient(net):
    model = copy.deepcopy(host(net)).train()
    losses = model.loss(images(2, small(net)), samples(2, small(net)))
    total, logs = model.parse_losses(losses)
    total.backward()
    assert torch.isfinite(total)
    assert 'decode.acc_seg' not in logs
    unused = [n for n, p in model.named_parameters() if p.grad is None]
    assert unused == []


@names
def test_prior_probability(net):
    cfg, x = host_cfg(net), images(2, small(net))
    model = copy.deepcopy(host(net)).train()
    logits = model(x)  # batch statistics, as training starts
    logits = logits if isinstance(logits, torch.Tensor) else logits[0]
    assert 0.002 < logits.sigmoid().mean().item() < 0.05
    cfg['decode_head']['prior_prob'] = None
    # a reference's own initialization may be sure of a target
    assert build(cfg).eval()(x[:1]).sigmoid().mean().item() > 0.2


@names
def test_bad_prior_probability(net):
    head = dict(type=f'fdep_mm.{net}Head', prior_prob=1.0)
    with pytest.raises(ValueError, match=r'inside \(0, 1\) or None, got 1'):
        MODELS.build(head)


@pytest.mark.parametrize('net, params', [(r[0], r[2]) for r in NETS])
def test_grey_input(net, params):
    cfg = host_cfg(net)
    cfg['backbone']['in_channels'] = 1
    model = build(cfg).eval()
    assert size(model) == params
    x = images(1, small(net))[:, :1]
    assert model(x).shape == x.shape


@names
def test_state_dict_round_trip(net):
    first, second = (copy.deepcopy(host(net)) for _ in range(2))
    with torch.no_grad():
        for p in first.parameters():
            p.add_(torch.randn_like(p) * 0.01)
    x = images(1, small(net))
    assert not torch.equal(first(x), second(x))
    second.load_state_dict(first.state_dict(), strict=True)
    assert torch.equal(first(x), second(x))


@names
def test_traceable(net):
    model = host(net)
    x = images(1, small(net))
    traced = torch.jit.trace(model, x, check_trace=False)
    x = images(2, (96, SMALLEST.get(net, 32)))
    torch.testing.assert_close(traced(x), model(x))


@pytest.mark.parametrize('net', ['ACM', 'ALCNet', 'ALCNetOrig'])
def test_narrow_heads_can_rise_above_their_bias(net):
    """All-negative weights would cap every logit at a prior's bias."""
    negative = 0
    for seed in range(8):
        torch.manual_seed(seed)
        head = MODELS.build(dict(type=f'fdep_mm.{net}Head'))
        assert (head.logits[-1].weight >= 0).all()
        torch.manual_seed(seed)
        plain = dict(type=f'fdep_mm.{net}Head', prior_prob=None)
        weight = MODELS.build(plain).logits[-1].weight  # PyTorch's default
        assert torch.equal(weight.abs(), head.logits[-1].weight)
        negative += (weight < 0).sum()
    assert negative > 0
