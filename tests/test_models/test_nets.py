"""One contract for every host network; a new network adds one line."""

import pytest
import torch
from builders import build, host_cfg, images, samples

from fdep_mm.registry import MODELS

# name, parameters with 3 input channels, stride, bottleneck channels, MACs
NETS = [
    ('ACM', 397_971, 16, 64, 345_653_888),
    ('ALCNet', 427_109, 16, 64, 297_435_776),
    ('ALCNetOrig', 372_573, 4, 64, 3_610_509_312),
    ('DNANet', 4_696_888, 16, 256, 13_926_958_464),  # in evaluation mode
    ('UIUNet', 50_541_461, 32, 512, 54_297_565_696),
    ('MLCLNet', 657_249, 4, 64, 7_011_827_712),
    ('ALCLNet', 5_668_145, 16, 256, 6_673_137_664),
    ('GGLNet', 8_988_093, 16, 256, 9_689_496_704),
    ('MSDANet', 4_791_041, 16, 64, 20_913_964_288),
]
SMALLEST = {'ALCNetOrig': 72}  # px, where it is not one stride
names = pytest.mark.parametrize('net', [row[0] for row in NETS])


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


@pytest.mark.parametrize('net, params, stride, channels, macs', NETS)
def test_exact_size(net, params, stride, channels, macs):
    model = build(host_cfg(net)).eval()
    assert sum(p.numel() for p in model.parameters()) == params
    assert count_macs(model, images(1, (256, 256))) == macs
    deepest = model.backbone(images(1, (64, 64)))[-1]
    assert deepest.shape == (1, channels, 64 // stride, 64 // stride)


@pytest.mark.parametrize('net, stride', [(r[0], r[2]) for r in NETS])
def test_output_has_the_size_of_the_input(net, stride):
    model = build(host_cfg(net)).eval()
    least = SMALLEST.get(net, 0)
    for rows, columns in ((2, 5), (4, 3)):
        size = (least + rows * stride, least + columns * stride)
        assert model(images(1, size)).shape == (1, 1, *size)


@pytest.mark.parametrize('net, stride', [(r[0], r[2]) for r in NETS])
def test_other_sizes_are_refused(net, stride):
    model = build(host_cfg(net))
    with pytest.raises(ValueError, match=f'{net}.*multiples of {stride}'):
        model(images(1, (stride * 2 + 1, stride * 2)))


@names
def test_every_parameter_gets_a_gradient(net):
    model = build(host_cfg(net)).train()
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
    logits = build(cfg).train()(x)  # batch statistics, as training starts
    logits = logits if isinstance(logits, torch.Tensor) else logits[0]
    assert 0.002 < logits.sigmoid().mean().item() < 0.05
    cfg['decode_head']['prior_prob'] = None
    # a reference's own initialisation may be sure of a target
    assert build(cfg).eval()(x[:1]).sigmoid().mean().item() > 0.2


@names
def test_bad_prior_probability(net):
    cfg = host_cfg(net)
    cfg['decode_head']['prior_prob'] = 1.0
    with pytest.raises(ValueError, match=r'inside \(0, 1\) or None, got 1'):
        build(cfg)


@names
def test_grey_input(net):
    cfg = host_cfg(net)
    cfg['backbone']['in_channels'] = 1
    model = build(cfg).eval()
    x = images(1, small(net))[:, :1]
    assert model(x).shape == x.shape


@names
def test_state_dict_round_trip(net):
    first, second = build(host_cfg(net)).eval(), build(host_cfg(net)).eval()
    with torch.no_grad():
        for p in first.parameters():
            p.add_(torch.randn_like(p) * 0.01)
    x = images(1, small(net))
    assert not torch.equal(first(x), second(x))
    second.load_state_dict(first.state_dict(), strict=True)
    assert torch.equal(first(x), second(x))


@names
def test_traceable(net):
    model = build(host_cfg(net)).eval()
    x = images(1, small(net))
    traced = torch.jit.trace(model, x, check_trace=False)
    x = images(2, (96, SMALLEST.get(net, 32)))
    torch.testing.assert_close(traced(x), model(x))


@pytest.mark.parametrize('net', ['ACM', 'ALCNet', 'ALCNetOrig'])
def test_narrow_heads_can_rise_above_their_bias(net):
    """All-negative weights would cap every logit at the bias."""
    for seed in range(8):
        torch.manual_seed(seed)
        head = MODELS.build(dict(type=f'fdep_mm.{net}Head'))
        assert (head.logits[-1].weight >= 0).all()
