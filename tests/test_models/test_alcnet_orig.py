"""ALCNet as published: its contrast by loops, its tables, its wiring."""

import pytest
import torch
import torch.nn.functional as F
from builders import build, fdep_cfg, host_cfg, images, samples, size

from fdep_mm.models.nets.alcnet_orig import (
    BottomUpModulation,
    DilatedLocalContrast,
    patch_contrast,
)


@pytest.fixture(scope='module')
def net():
    return build(host_cfg('ALCNetOrig')).eval()


def naive_contrast(x, shift):
    """Pixel by pixel, indices modulo the size of the map."""
    height, width = x.shape
    out = torch.empty_like(x)
    for i in range(height):
        for j in range(width):
            products = []
            for a, b in ((1, 1), (1, 0), (1, -1), (0, 1)):
                di, dj = a * shift, b * shift
                ahead = x[(i + di) % height, (j + dj) % width] - x[i, j]
                behind = x[(i - di) % height, (j - dj) % width] - x[i, j]
                products.append(ahead * behind)
            out[i, j] = min(products)
    return out


@pytest.mark.parametrize('shape, shift', [((18, 20), 17), ((19, 14), 13)])
def test_contrast_by_loops(shape, shift):
    torch.manual_seed(0)
    x = torch.randn(2, 1, *shape, dtype=torch.float64)
    got = patch_contrast(x, shift)
    for ours, map_ in zip(got, x, strict=True):
        assert torch.equal(ours[0], naive_contrast(map_[0], shift))


def test_contrast_takes_the_larger_of_both_distances():
    torch.manual_seed(0)
    x = torch.randn(1, 2, 20, 18, dtype=torch.float64)
    got = DilatedLocalContrast((13, 17))(x)
    for ours, map_ in zip(got[0], x[0], strict=True):
        both = naive_contrast(map_, 13), naive_contrast(map_, 17)
        assert torch.equal(ours, torch.maximum(*both))


def test_a_point_target_stands_out_and_an_edge_does_not():
    contrast = DilatedLocalContrast((13, 17))
    point, edge = torch.zeros(2, 1, 1, 64, 64)
    point[..., 30, 33] = 2
    edge[..., 20:50] = 2
    assert contrast(point)[..., 30, 33] == 4
    assert contrast(point).sum() == 4
    assert contrast(edge).max() == 0


def test_parameters_of_every_part(net):
    encoder, head = net.backbone, net.decode_head
    parts = [encoder.stem, encoder.stage1, encoder.stage2, encoder.stage3]
    assert [size(m) for m in parts] == [464, 18_688, 70_208, 279_680]
    parts = [head.reduce3, head.reduce2, head.fuse2, head.fuse1, head.logits]
    assert [size(m) for m in parts] == [1_056, 544, 672, 672, 589]
    assert size(head.contrast) == 0


def test_every_norm_averages_with_the_default_momentum(net):
    norms = [m for m in net.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert len(norms) == 39
    assert {m.momentum for m in norms} == {0.1}
    # buffers: 374,929 with the image norm's fixed scale and shift
    stats = sum(m.running_mean.numel() + m.running_var.numel() for m in norms)
    assert size(net) + stats + 6 == 374_929


@torch.no_grad()
def test_modulation_by_its_formula():
    torch.manual_seed(0)
    block = BottomUpModulation(4).double().eval()
    for m in block.modules():
        if isinstance(m, torch.nn.BatchNorm2d):
            for v in (m.running_var, m.weight):
                v.uniform_(0.5, 2)
            for v in (m.running_mean, m.bias):
                v.uniform_(-1, 1)

    def norm(m, x):
        scale = m.weight / torch.sqrt(m.running_var + 1e-5)
        x = (x - m.running_mean.view(-1, 1, 1)) * scale.view(-1, 1, 1)
        return x + m.bias.view(-1, 1, 1)

    def conv(m, x):
        x = torch.einsum('bchw,oc->bohw', x, m.weight[..., 0, 0])
        return x + m.bias.view(-1, 1, 1)

    deep, shallow = torch.randn(2, 2, 4, 5, 6, dtype=torch.float64)
    low = norm(block.shallow_norm, shallow)
    g = block.gate
    hidden = norm(g[1], conv(g[0], low)).clamp(min=0)
    gate = norm(g[4], conv(g[3], hidden)).sigmoid()
    expected = gate * norm(block.deep_norm, deep) + low
    torch.testing.assert_close(block(deep, shallow), expected)


@torch.no_grad()
def test_decoder_is_wired_as_in_the_figure(net):
    def up(x):
        return F.interpolate(
            x, scale_factor=2, mode='bilinear', align_corners=True
        )

    x = images(1, (72, 80))
    head = net.decode_head
    c1, c2, c3 = (head.contrast(f) for f in net.backbone(x))
    c2, c3 = head.reduce2(c2), head.reduce3(c3)
    p1 = head.fuse1(up(head.fuse2(up(c3), c2)), c1)
    torch.testing.assert_close(net(x), head.logits(p1))


def test_initialization(net):
    """Variance 2 / (1.0625 * mean of fan-in and fan-out), zero biases."""
    for module in (net.backbone, net.decode_head.fuse1):
        for conv in module.modules():
            if isinstance(conv, torch.nn.Conv2d):
                assert conv.bias is None or (conv.bias == 0).all()
    conv = net.backbone.stage3[1].main[0]
    std = (2 / (1.0625 * 9 * 64)) ** 0.5
    assert conv.weight.std().item() == pytest.approx(std, rel=0.02)


@pytest.mark.parametrize('side', [(64, 96), (96, 68)])
def test_small_images_are_refused(net, side):
    message = f'at least 72 px on each side, got {side[0]}x{side[1]}'
    with pytest.raises(ValueError, match=message):
        net(images(1, side))


def test_smallest_image(net):
    assert net(images(1, (72, 72))).shape == (1, 1, 72, 72)


def test_shifts_set_the_smallest_image():
    cfg = host_cfg('ALCNetOrig')
    cfg['decode_head']['shifts'] = (3,)
    model = build(cfg).eval()
    assert model(images(1, (16, 16))).shape == (1, 1, 16, 16)
    with pytest.raises(ValueError, match='up to 3 px apart.*least 16 px'):
        model(images(1, (12, 16)))


def test_fdep_step_with_the_papers_shifts():
    model = build(fdep_cfg('ALCNetOrig')).train()
    assert model.samf.blocks[0].conv_e.out_channels == 64
    total, _ = model.parse_losses(
        model.loss(images(2, (72, 72)), samples(2, (72, 72)))
    )
    total.backward()
    unused = [n for n, p in model.named_parameters() if p.grad is None]
    assert unused == []
