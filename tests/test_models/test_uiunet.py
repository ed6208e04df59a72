"""UIU-Net against its tables and its blocks written out by formula."""

import pytest
import torch
import torch.nn.functional as F
from builders import build, host_cfg, images, size

from fdep_mm.models.nets.uiunet import (
    RSU,
    DilatedRSU,
    InteractiveCrossAttention,
)

ENCODER = [206_016, 305_856, 1_108_992, 3_986_688, 10_034_688, 10_034_688]
DECODER = dict(
    fuse5=2_823_442,
    stage5=12_393_984,
    fuse4=2_823_442,
    stage4=4_280_064,
    fuse3=707_218,
    stage3=1_181_952,
    fuse2=177_490,
    stage2=323_904,
    stage1=139_200,
    logits=7,
)
SIDES = [577, 577, 1_153, 2_305, 4_609, 4_609]


def model(**head):
    cfg = host_cfg('UIUNet')
    cfg['decode_head'].update(head)
    return build(cfg)


@pytest.fixture(scope='module')
def net():
    return model().eval()


def like(x, y):
    return F.interpolate(
        x, size=y.shape[2:], mode='bilinear', align_corners=False
    )


def cat(*parts):
    return torch.cat(parts, 1)


def test_parameters_of_every_part(net):
    head = net.decode_head
    assert [size(stage) for stage in net.backbone.stages] == ENCODER
    assert {k: size(getattr(head, k)) for k in DECODER} == DECODER
    assert [size(side) for side in head.sides] == SIDES


@torch.no_grad()
def test_rsu_by_its_formula():
    torch.manual_seed(0)
    block = RSU(5, 3, 4, 6).eval()
    bottom = block.bottom[0]
    assert bottom.dilation == bottom.padding == (2, 2)
    e, d = block.encoder, block.decoder
    x = torch.randn(2, 3, 16, 24)
    x0 = block.stem(x)
    e1 = e[0](x0)
    e2 = e[1](F.max_pool2d(e1, 2, 2, ceil_mode=True))
    e3 = e[2](F.max_pool2d(e2, 2, 2, ceil_mode=True))
    e4 = e[3](F.max_pool2d(e3, 2, 2, ceil_mode=True))
    e5 = block.bottom(e4)
    f4 = d[0](cat(e5, e4))
    f3 = d[1](cat(like(f4, e3), e3))
    f2 = d[2](cat(like(f3, e2), e2))
    f1 = d[3](cat(like(f2, e1), e1))
    assert e4.shape == (2, 4, 2, 3)
    torch.testing.assert_close(block(x), f1 + x0)


@torch.no_grad()
def test_dilated_rsu_by_its_formula():
    torch.manual_seed(0)
    block = DilatedRSU(3, 4, 6).eval()
    e, d = block.encoder, block.decoder
    dilations = [m[0].dilation[0] for m in (*e, *d)]
    assert dilations == [1, 2, 4, 8, 4, 2, 1]
    x = torch.randn(2, 3, 9, 10)
    x0 = block.stem(x)
    e1 = e[0](x0)
    e2 = e[1](e1)
    e3 = e[2](e2)
    e4 = e[3](e3)
    f1 = d[2](cat(d[1](cat(d[0](cat(e4, e3)), e2)), e1))
    torch.testing.assert_close(block(x), f1 + x0)


@torch.no_grad()
def test_cross_attention_by_its_formula():
    torch.manual_seed(0)
    block = InteractiveCrossAttention(8).double()
    deep, low = torch.randn(2, 2, 8, 6, 7, dtype=torch.float64)

    def layer(seq, x, act):
        conv, norm = seq[0], seq[1]
        x = F.conv2d(x, conv.weight, conv.bias, padding=conv.padding)
        mean = x.mean((1, 2, 3), keepdim=True)
        var = x.var((1, 2, 3), keepdim=True, unbiased=False)
        x = (x - mean) / torch.sqrt(var + 1e-5)
        return act(
            x * norm.weight.view(1, -1, 1, 1) + norm.bias.view(1, -1, 1, 1)
        )

    for m in block.modules():  # an affine part that a test can see
        if isinstance(m, torch.nn.GroupNorm):
            m.weight.uniform_(0.5, 2)
            m.bias.uniform_(-1, 1)
    h = layer(block.project, deep, F.relu)
    gate = h.mean((2, 3), keepdim=True)
    gate = layer(block.channel_gate[1:4], gate, F.relu)
    a = layer(block.channel_gate[4:7], gate, torch.sigmoid)
    q = layer(block.squeeze, a * low, F.relu)
    maps = torch.stack([q.mean(1), q.max(1).values], 1)
    s = F.conv2d(maps, block.spatial_gate.conv.weight, padding=1).sigmoid()
    expected = cat(
        layer(block.post, 2 * a * low, F.relu),
        layer(block.post, 2 * s * h, F.relu),
    )
    torch.testing.assert_close(block(deep, low), expected)


@torch.no_grad()
def test_decoder_is_wired_as_in_the_figure(net):
    head = net.decode_head
    h1, h2, h3, h4, h5, h6 = feats = net.backbone(images(1))
    d5 = head.stage5(head.fuse5(like(h6, h5), h5))
    d4 = head.stage4(head.fuse4(like(d5, h4), h4))
    d3 = head.stage3(head.fuse3(like(d4, h3), h3))
    d2 = head.stage2(head.fuse2(like(d3, h2), h2))
    d1 = head.stage1(cat(like(d2, h1), h1))
    s1 = head.sides[0](d1)
    rest = zip(head.sides[1:], (d2, d3, d4, d5, h6), strict=True)
    sides = [s1, *(like(conv(x), s1) for conv, x in rest)]
    expected = [head.logits(cat(*sides)), *sides]
    torch.testing.assert_close(head(feats), expected[0])

    head.training = True  # the norms stay in evaluation mode
    got = head(feats)
    other = head((*feats[:-1], torch.zeros_like(h6)))
    head.training = False
    assert len(got) == 7
    for ours, theirs, changed in zip(got, expected, other, strict=True):
        assert ours.shape == (1, 1, 64, 64)
        torch.testing.assert_close(ours, theirs)
        assert not torch.equal(ours, changed)  # all read the bottleneck


def test_without_deep_supervision(net):
    plain = model(deep_supervision=False)
    assert size(plain) == size(net)
    assert plain.train()(images()).shape == (2, 1, 64, 64)


@pytest.mark.parametrize('prior_prob', [0.01, 0.2])
def test_side_maps_at_the_prior_give_the_prior(prior_prob):
    head = model(prior_prob=prior_prob).decode_head
    sides = torch.stack([conv.bias for conv in head.sides], 1)
    assert sides.sigmoid().mean().item() == pytest.approx(prior_prob)
    fused = head.logits(sides[..., None, None])
    assert fused.sigmoid().item() == pytest.approx(prior_prob)
