"""MSDA-Net against its tables and its formulas written out."""

import pytest
import torch
import torch.nn.functional as F
from builders import build, host_cfg, images, size

from fdep_mm.models.nets.msdanet import (
    DirectionAttention,
    DirectionAwareBlock,
    haar,
    inject_directions,
)

KERNELS = [  # [row][column], before the factor 1/2
    [[1, 1], [-1, -1]],
    [[1, -1], [1, -1]],
    [[1, -1], [-1, 1]],
    [[1, 1], [1, 1]],
]
ENCODER = dict(
    stem=2_832,
    stage1=66_328,
    stage3=1_040_344,
    stage4=1_077_208,
    stage5=1_077_208,
    aggregate=27_648,
)
# of each level 81 C^2 + 14 C in the reference, C^2 + 2 C of them never run
RELATIONS = [80 * c * c + 12 * c for c in (16, 32, 64, 64, 64)]
FUSIONS = [11_504, 45_536, 49_728, 49_728]


@pytest.fixture(scope='module')
def net():
    return build(host_cfg('MSDANet')).eval()


def naive_filter(x, kernel, stride):
    """Cross-correlation of every channel with a 2x2 kernel, tap by tap."""
    height, width = x.shape[2] - 1, x.shape[3] - 1
    out = torch.zeros_like(x[..., :height:stride, :width:stride])
    for i in range(0, height, stride):
        for j in range(0, width, stride):
            for a in (0, 1):
                for b in (0, 1):
                    out[..., i // stride, j // stride] += (
                        kernel[a][b] * x[..., i + a, j + b] / 2
                    )
    return out


def test_parameters_of_every_part(net):
    encoder, head = net.backbone, net.decode_head
    assert {k: size(getattr(encoder, k)) for k in ENCODER} == ENCODER
    assert size(encoder.down2, encoder.stage2) == 254_368
    assert size(encoder) == 3_545_936
    blocks = (encoder.stage1[1][0], encoder.stage2[0], encoder.stage3[1][0])
    assert [size(b) for b in blocks] == [30_812, 121_388, 483_020]
    assert [size(m) for m in head.transfers] == RELATIONS
    assert [size(m) for m in head.fusions] == FUSIONS
    assert size(head.logits) == 289


def test_never_run_layers_of_the_reference(net):
    dead = sum(c * c + 2 * c for c in (16, 32, 64, 64, 64))
    assert size(net) + dead == 4_805_089


@pytest.mark.parametrize('stride', [1, 2])
def test_haar_filters_by_loops(stride):
    torch.manual_seed(0)
    x = torch.randn(2, 3, 6, 8, dtype=torch.float64)
    maps = haar(x, stride)
    for got, kernel in zip(maps, KERNELS, strict=True):
        torch.testing.assert_close(got, naive_filter(x, kernel, stride))


def test_directions_are_put_before_the_feature():
    x = torch.arange(8.0).view(1, 1, 1, 8).repeat(1, 3, 4, 1)
    out = inject_directions(x, torch.full((1, 23, 2, 4), 7.0))
    assert out.shape == (1, 32, 2, 4)
    # a ramp along the columns: HL is (-1 - 1) / 2 everywhere
    assert (out[:, :3] == 0).all() and (out[:, 3:6] == -1).all()
    assert (out[:, 6:9] == 0).all() and (out[:, 9:] == 7).all()


@torch.no_grad()
def test_direction_attention_by_its_formula():
    torch.manual_seed(0)
    block = DirectionAttention(5).double().eval()
    conv, norm = block.post
    norm.running_mean.uniform_(-1, 1)
    norm.running_var.uniform_(0.5, 2)
    x = torch.randn(2, 5, 7, 9, dtype=torch.float64)
    padded = torch.zeros(2, 5, 8, 10, dtype=torch.float64)
    padded[:, :, 1:, 1:] = x
    m = 0
    for gate, kernel in zip(block.gates, KERNELS, strict=True):
        d = naive_filter(padded, kernel, 1)
        maps = torch.stack([d.max(1).values, d.mean(1)], 1)
        weight = gate.conv.weight.flip(1)  # maximum first in the formula
        a = F.conv2d(maps, weight, gate.conv.bias, padding=3).sigmoid()
        m = m + x * a
    expected = (x + norm(conv(m))).clamp(min=0)
    torch.testing.assert_close(block(x), expected)


@torch.no_grad()
def test_aware_block_by_its_formula():
    torch.manual_seed(0)
    block = DirectionAwareBlock(8).double().eval()
    scales, attention, excite, last = block.main
    for branch in scales.branches:
        kernels = [m.kernel_size[0] for m in branch[::3]]
        dilations = [m.dilation[0] for m in branch[::3]]
        assert all(m.bias is None for m in branch[::3])
        assert (kernels, dilations) in (
            ([1], [1]),
            ([1, 3], [1, 1]),
            ([3, 3], [1, 3]),
            ([5, 3], [1, 5]),
        )
    x = torch.randn(2, 8, 12, 10, dtype=torch.float64)
    y = torch.cat([branch(x) for branch in scales.branches], 1)
    assert y.shape == (2, 32, 12, 10)
    y = attention(scales.fuse(y))
    w1, w2 = (m.weight[..., 0, 0] for m in (excite.gate[1], excite.gate[3]))
    gate = ((y.mean((2, 3)) @ w1.T).clamp(min=0) @ w2.T).sigmoid()
    y = last(y * gate[..., None, None])
    torch.testing.assert_close(block(x), (x + y).clamp(min=0))


@torch.no_grad()
def test_network_is_wired_as_in_the_figure(net):
    x = images(1, (32, 48))
    enc, head = net.backbone, net.decode_head

    def pool(y, times):
        for _ in range(times):
            y = F.max_pool2d(y, 2)
        return y

    f1 = enc.stage1(enc.stem(x))
    f2 = enc.stage2(inject_directions(x, enc.down2(f1)))
    f3 = enc.stage3(f2)
    f4 = enc.stage4(f3)
    e5 = enc.stage5(f4)
    a1, a2, a3, a4 = (
        lateral(pool(f, times))
        for lateral, f, times in zip(
            enc.aggregate.laterals, (f1, f2, f3, f4), (4, 3, 2, 1), strict=True
        )
    )
    f5 = enc.aggregate.fuse(torch.cat([e5, a4, a3, a2, a1], 1))
    feats = enc(x)
    for got, expected in zip(feats, (f1, f2, f3, f4, f5), strict=True):
        torch.testing.assert_close(got, expected)

    g = [m(f) for m, f in zip(head.transfers, feats, strict=True)]
    d = g[4]
    for level in (3, 2, 1, 0):
        fuse = head.fusions[level]
        u = F.interpolate(
            d, scale_factor=2, mode='bilinear', align_corners=True
        )
        k = fuse.correct(torch.cat([u, g[level]], 1))
        d = g[level] + fuse.project(u + k)
    torch.testing.assert_close(net(x), head.logits(d))


def test_initialization_of_both_kinds(net):
    """Kaiming by fan-out: zero biases; PyTorch's default: bounded weights."""
    kaiming = [
        net.backbone.stem,
        net.backbone.aggregate,
        net.backbone.down2,
        net.backbone.stage1[1][0].main[1],
        *net.decode_head.fusions,
    ]
    for module in kaiming:
        for conv in module.modules():
            if isinstance(conv, torch.nn.Conv2d):
                assert (conv.bias == 0).all()
    conv = net.backbone.stage3[1][0].main[1].post[0]
    std = (2 / (9 * 64)) ** 0.5
    assert conv.weight.std().item() == pytest.approx(std, rel=0.02)

    block = net.backbone.stage3[1][0]
    default = [block.main[0], block.main[2], block.main[3]]
    for module in (*default, *net.decode_head.transfers):
        for conv in module.modules():
            if isinstance(conv, torch.nn.Conv2d):
                assert conv.bias is None
                bound = conv.weight[0].numel() ** -0.5
                peak = conv.weight.abs().max().item()
                assert 0.9 * bound < peak <= bound
