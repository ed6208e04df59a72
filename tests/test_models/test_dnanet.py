"""DNA-Net against its tables and a node-by-node version of its figure."""

import numpy as np
import pytest
import torch
from builders import build, host_cfg, images, size
from test_nets import count_macs

from fdep_mm.models.nets.dnanet import AttentionBlock

ENCODER = [3_058, 33_700, 133_252, 530_500, 2_117_572]
COLUMNS = [[10_258, 64_420, 256_132], [12_818, 74_660], [15_378]]
LAST = [17_938, 84_900, 297_092, 1_022_020]


def model(**head):
    cfg = host_cfg('DNANet')
    cfg['decode_head'].update(head)
    return build(cfg)


def test_parameters_of_every_part():
    net = model()
    encoder, head = net.backbone, net.decode_head
    assert [size(node) for node in encoder.nodes] == ENCODER
    assert [[size(n) for n in c] for c in encoder.columns] == COLUMNS
    assert [size(node) for node in head.last] == LAST
    assert [size(m) for m in head.laterals] == [528, 1_040, 2_064, 4_112]
    assert size(head.fuse) == 15_378
    assert size(head.logits) == 17
    assert [size(m) for m in head.sides] == [17] * 3


def test_side_outputs_cost_multiply_adds_in_training_only():
    """At 256x256: 13,930,104,192 in training, 3,145,728 fewer in testing."""
    net, x = model(), images(1)
    difference = count_macs(net.train(), x) - count_macs(net.eval(), x)
    assert difference == 3 * 16 * 64 * 64


def naive_resize(x, factor):
    """Align-corners interpolation, one axis after the other, with numpy."""
    for axis in (2, 3):
        old = x.shape[axis]
        at = np.linspace(0, old - 1, int(old * factor))
        x = np.apply_along_axis(
            lambda v, at=at: np.interp(at, range(len(v)), v), axis, x
        )
    return x


def naive_forward(net, image):
    """Every node written out, anti-diagonal by anti-diagonal."""

    def up(x):
        return torch.from_numpy(naive_resize(x.numpy(), 2)).to(x)

    def dn(x):
        return torch.from_numpy(naive_resize(x.numpy(), 0.5)).to(x)

    def mp(x):
        return torch.nn.MaxPool2d(2, 2)(x)

    def node(i, j, *parts):
        columns = [net.backbone.nodes, *net.backbone.columns]
        nodes = net.decode_head.last if i + j == 4 and j else columns[j]
        return nodes[i](torch.cat(parts, 1))

    x00 = node(0, 0, image)
    x10 = node(1, 0, mp(x00))
    x01 = node(0, 1, x00, up(x10))
    x20 = node(2, 0, mp(x10))
    x11 = node(1, 1, x10, up(x20), dn(x01))
    x02 = node(0, 2, x00, x01, up(x11))
    x30 = node(3, 0, mp(x20))
    x21 = node(2, 1, x20, up(x30), dn(x11))
    x12 = node(1, 2, x10, x11, up(x21), dn(x02))
    x03 = node(0, 3, x00, x01, x02, up(x12))
    x40 = node(4, 0, mp(x30))
    x31 = node(3, 1, x30, up(x40), dn(x21))
    x22 = node(2, 2, x20, x21, up(x31), dn(x12))
    x13 = node(1, 3, x10, x11, x12, up(x22), dn(x03))
    x04 = node(0, 4, x00, x01, x02, x03, up(x13))
    head = net.decode_head
    z1, z2, z3, z4 = (
        torch.from_numpy(naive_resize(conv(x).numpy(), 2**k)).to(x)
        for k, conv, x in zip(
            (1, 2, 3, 4), head.laterals, (x13, x22, x31, x40), strict=True
        )
    )
    y = head.fuse(torch.cat([z4, z3, z2, z1, x04], 1))
    sides = zip(head.sides, (x01, x02, x03), strict=True)
    return [head.logits(y), *(conv(x) for conv, x in sides)]


@torch.no_grad()
def test_nodes_are_wired_as_in_the_figure():
    net = model().double().eval()
    image = images(1, (32, 48)).double()
    expected = naive_forward(net, image)
    torch.testing.assert_close(net(image), expected[0])
    net.decode_head.training = True  # the norms stay in evaluation mode
    got = net(image)
    assert len(got) == 4
    for ours, theirs in zip(got, expected, strict=True):
        assert ours.shape == (1, 1, 32, 48)
        torch.testing.assert_close(ours, theirs)


@torch.no_grad()
def test_attention_block_by_its_formula():
    torch.manual_seed(0)
    block = AttentionBlock(24, 32).double().eval()
    for stat in ('running_mean', 'running_var'):
        for norm in (block.main[1], block.main[4], block.shortcut[1]):
            getattr(norm, stat).uniform_(0.5, 1.5)
    x = torch.randn(2, 24, 9, 11, dtype=torch.float64)
    y = block.main[1](block.main[0](x)).clamp(min=0)
    y = block.main[4](block.main[3](y))

    first, _, second = block.channel_gate.layers
    assert first.weight.shape == (2, 32, 1, 1)
    w1, w2 = first.weight[:, :, 0, 0], second.weight[:, :, 0, 0]
    pooled = (y.flatten(2).mean(2), y.flatten(2).max(2).values)
    gate = sum((v @ w1.T).clamp(min=0) @ w2.T for v in pooled)
    y = y / (1 + torch.exp(-gate))[..., None, None]

    kernel = block.spatial_gate.conv.weight[0]
    assert kernel.shape == (2, 7, 7)
    maps = torch.stack([y.mean(1), y.max(1).values], 1)
    maps = torch.nn.functional.pad(maps, (3, 3, 3, 3))
    windows = maps.unfold(2, 7, 1).unfold(3, 7, 1)
    gate = torch.einsum('bchwij,cij->bhw', windows, kernel)
    y = y / (1 + torch.exp(-gate))[:, None]

    expected = (y + block.shortcut[1](block.shortcut[0](x))).clamp(min=0)
    torch.testing.assert_close(block(x), expected)


@torch.no_grad()
def test_both_consumers_read_the_bottleneck():
    """Side outputs do not depend on it, the final one does twice."""
    head = model().decode_head.eval()
    head.training = True
    feats = build(host_cfg('DNANet')).eval().backbone(images(1))
    seen = []
    for m in (head.last[3], head.laterals[3]):
        m.register_forward_pre_hook(lambda m, args: seen.append(args[0]))
    other = (*feats[:-1], torch.zeros_like(feats[-1]))
    before, after = head(feats), head(other)
    assert not torch.equal(before[0], after[0])
    for ours, theirs in zip(before[1:], after[1:], strict=True):
        assert torch.equal(ours, theirs)
    assert seen[0].shape[1] == 448 and torch.equal(seen[1], feats[-1])
    assert not seen[2][:, 128:384].any() and not seen[3].any()


def test_side_outputs_cost_nothing_in_evaluation():
    net = model().eval()

    def fail(*args):
        raise AssertionError('a side output was computed')

    for conv in net.decode_head.sides:
        conv.forward = fail
    assert net(images(1)).shape == (1, 1, 64, 64)


def test_without_deep_supervision():
    net = model(deep_supervision=False).train()
    assert size(net) == 4_696_888 - 3 * 17
    assert net(images()).shape == (2, 1, 64, 64)


@pytest.mark.parametrize('prior_prob', [0.01, 0.2])
def test_every_supervised_bias_holds_the_prior(prior_prob):
    head = model(prior_prob=prior_prob).decode_head
    for conv in (head.logits, *head.sides):
        assert conv.bias.sigmoid().item() == pytest.approx(prior_prob)
