"""ACM and the port of ALCNet: their tables, norms, modulation and wiring."""

import pytest
import torch
import torch.nn.functional as F
from builders import build, host_cfg, images, size
from torch import nn

from fdep_mm.models.layers import AsymmetricModulation

ENCODER = dict(
    ACM=dict(stem=2_014, stage1=14_016, stage2=51_648, stage3=205_696),
    ALCNet=dict(stem=2_014, stage1=18_688, stage2=70_208, stage3=279_680),
)
FUSIONS = dict(up2=32_800, fuse2=10_576, up1=8_208, fuse1=2_728)
HEAD = dict(
    ACM=FUSIONS | dict(stage2=55_680, stage1=14_016, logits=589),
    ALCNet=FUSIONS | dict(up0=2_056, logits=151),
)
both = pytest.mark.parametrize('net', ['ACM', 'ALCNet'])


def norms(module, kind):
    return {n: m for n, m in module.named_modules() if isinstance(m, kind)}


@both
def test_parameters_of_every_part(net):
    model = build(host_cfg(net))
    for module, table in (
        (model.backbone, ENCODER[net]),
        (model.decode_head, HEAD[net]),
    ):
        parts = {name: size(m) for name, m in module.named_children()}
        assert {k: v for k, v in parts.items() if v} == table


@both
def test_every_batch_norm_has_the_default_momentum(net):
    found = norms(build(host_cfg(net)), nn.BatchNorm2d).values()
    assert {(m.momentum, m.eps, m.affine) for m in found} == {
        (0.1, 1e-5, True)
    }


@both
def test_group_norms_of_one_group_are_in_the_modulations_only(net):
    model = build(host_cfg(net))
    head = model.decode_head
    for block in (head.fuse2, head.fuse1):
        assert norms(block, nn.BatchNorm2d) == {}
        assert len(norms(block, nn.GroupNorm)) == 5
    found = norms(model, nn.GroupNorm).values()
    assert len(found) == 10
    assert {(m.num_groups, m.eps, m.affine) for m in found} == {(1, 1e-5, 1)}


@torch.no_grad()
def test_modulation_by_its_formula():
    torch.manual_seed(0)
    block = AsymmetricModulation(8).double()
    for norm in norms(block, nn.GroupNorm).values():
        norm.weight.uniform_(0.5, 2)  # an affine part that a test can see
        norm.bias.uniform_(-1, 1)
    deep, shallow = torch.randn(2, 2, 8, 6, 7, dtype=torch.float64)

    def layer(conv, norm, x):
        x = F.conv2d(x, conv.weight, conv.bias, padding=conv.padding)
        var, mean = torch.var_mean(x, (1, 2, 3), correction=0, keepdim=True)
        x = (x - mean) / torch.sqrt(var + 1e-5)
        return x * norm.weight.view(-1, 1, 1) + norm.bias.view(-1, 1, 1)

    def gate(seq, x):
        hidden = layer(seq[0], seq[1], x).clamp(min=0)
        assert hidden.shape[1] == 2
        return layer(seq[3], seq[4], hidden).sigmoid()

    g = gate(block.topdown, deep.mean((2, 3), keepdim=True))
    m = gate(block.bottomup, shallow)
    assert g.shape == (2, 8, 1, 1) and m.shape == (2, 8, 6, 7)
    fused = 2 * g * shallow + 2 * m * deep
    assert block.post[0].padding == (1, 1)
    expected = layer(block.post[0], block.post[1], fused).clamp(min=0)
    torch.testing.assert_close(block(deep, shallow), expected)


@torch.no_grad()
@both
def test_decoder_is_wired_as_in_the_figure(net):
    model = build(host_cfg(net)).eval()
    x, head = images(2, (48, 80)), model.decode_head
    e1, e2, e3 = model.backbone(x)
    assert e1.shape == (2, 16, 12, 20)
    assert e2.shape == (2, 32, 6, 10)
    assert e3.shape == (2, 64, 3, 5)
    d2 = head.fuse2(head.up2(e3), e2)
    if net == 'ACM':
        d1 = head.stage1(head.fuse1(head.up1(head.stage2(d2)), e1))
        logits = head.logits(d1)
        assert logits.shape == (2, 1, 12, 20)
    else:
        logits = head.logits(head.up0(head.fuse1(head.up1(d2), e1)))
        assert logits.shape == (2, 1, 24, 40)
    expected = F.interpolate(
        logits, (48, 80), mode='bilinear', align_corners=False
    )
    torch.testing.assert_close(model(x), expected)


@pytest.mark.parametrize('net', ['ACM', 'ALCNet', 'UIUNet'])
def test_batch_norms_in_the_modulation_as_other_ports_have(net):
    """The same weights by name and shape."""
    cfg = host_cfg(net)
    default = build(cfg).decode_head
    cfg['decode_head'] = dict(cfg['decode_head'], norm_cfg=dict(type='BN'))
    other = build(cfg).decode_head
    assert norms(default, nn.GroupNorm) and not norms(other, nn.GroupNorm)
    shapes = [
        {k: p.shape for k, p in head.named_parameters()}
        for head in (default, other)
    ]
    assert shapes[0] == shapes[1]


def test_tiny_stem():
    """Of the released weights: 1,544 parameters less, logits at size."""
    cfg = host_cfg('ACM')
    for part in ('backbone', 'decode_head'):
        cfg[part] = dict(cfg[part], tiny=True)
    model = build(cfg).eval()
    assert size(model) == 397_971 - 1_544
    feats = model.backbone(images())
    assert [f.shape[-1] for f in feats] == [64, 32, 16]
    assert model(images()).shape == (2, 1, 64, 64)
