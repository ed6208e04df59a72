"""Blocks and decoder of the local contrast learning networks."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from fdep_mm.models.layers import (
    DownBlock,
    IdentityBlock,
    SqueezeExcite,
    TopDownHead,
    TrunkEncoder,
    init_kaiming,
    local_contrast,
    upsample_bilinear2,
)


def randomise_norms(module):
    """Norms that do something in evaluation mode."""
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2)
            nn.init.normal_(norm.weight)
            nn.init.normal_(norm.bias)
    return module.eval()


@pytest.mark.parametrize('cell', [1, 3, 5])
def test_local_contrast_sees_nine_whole_cells(cell):
    """Neither gaps nor overlaps between the cells that are compared."""
    block = local_contrast(2, cell)
    for p in block.parameters():
        nn.init.constant_(p, 1)
    x = torch.rand(1, 2, 21, 21, requires_grad=True)
    block(x)[0, 0, 10, 10].backward()
    seen = x.grad[0, 0] != 0
    expected = torch.zeros(21, 21, dtype=torch.bool)
    reach = 3 * cell // 2
    expected[10 - reach : 11 + reach, 10 - reach : 11 + reach] = True
    assert torch.equal(seen, expected)
    assert x.grad[0, 0][seen].unique().numel() == 1


def naive_local_contrast(block, x, cell):
    """Cell by cell, with loops over pixels."""
    (gather, compare) = (m for m in block if isinstance(m, nn.Conv2d))
    channels, height, width = x.shape
    half = cell // 2

    def at(image, c, i, j):
        inside = 0 <= i < height and 0 <= j < width
        return image[c, i, j] if inside else 0.0

    def layer(image, conv, side, step):
        out = torch.zeros_like(image)
        reach = side // 2
        for o in range(channels):
            for i in range(height):
                for j in range(width):
                    total = conv.bias[o]
                    for c in range(channels):
                        for u in range(-reach, reach + 1):
                            for v in range(-reach, reach + 1):
                                total = total + conv.weight[
                                    o, c, u + reach, v + reach
                                ] * at(image, c, i + u * step, j + v * step)
                    out[o, i, j] = max(total, 0.0)
        return out

    cells = layer(x, gather, 2 * half + 1, 1)
    return layer(cells, compare, 3, cell)


@torch.no_grad()
def test_local_contrast_is_a_comparison_of_cells():
    block = local_contrast(1, 3).double()
    nn.init.normal_(block[0].bias)
    nn.init.normal_(block[2].bias)
    x = torch.randn(1, 9, 8, dtype=torch.double)
    expected = naive_local_contrast(block, x, 3)
    torch.testing.assert_close(block(x[None])[0], expected)


@torch.no_grad()
def test_down_block():
    block = randomise_norms(DownBlock(3, 5))

    def layer(x, conv, norm, stride=1):
        x = F.conv2d(x, conv.weight, conv.bias, stride, 1)
        return F.batch_norm(
            x, norm.running_mean, norm.running_var, norm.weight, norm.bias
        )

    x = torch.randn(2, 3, 8, 12)
    conv1, norm1, _, _, conv2, norm2 = block.main
    main = F.max_pool2d(layer(x, conv1, norm1).relu(), 2)
    main = layer(main, conv2, norm2)
    shortcut = layer(x, block.shortcut[0], block.shortcut[1], stride=2)
    expected = (main + shortcut.relu()).relu()
    torch.testing.assert_close(block(x), expected)


@torch.no_grad()
def test_identity_block_adds_before_the_last_relu():
    block = randomise_norms(IdentityBlock(4))
    nn.init.zeros_(block.main[-1].weight)
    nn.init.constant_(block.main[-1].bias, -1)
    x = torch.randn(1, 4, 6, 6)
    torch.testing.assert_close(block(x), (x - 1).relu())


@torch.no_grad()
def test_squeeze_excite():
    block = SqueezeExcite(8)
    first, second = (m.weight[:, :, 0, 0] for m in block.gate if _conv(m))
    assert (first.shape, second.shape) == ((2, 8), (8, 2))
    x = torch.randn(2, 8, 5, 7)
    gate = (second @ (first @ x.mean((2, 3)).T).relu()).T.sigmoid()
    torch.testing.assert_close(block(x), x * gate[:, :, None, None])


def _conv(module):
    return isinstance(module, nn.Conv2d)


def test_upsampling_keeps_the_corners():
    ramp = torch.arange(4.0).expand(1, 1, 2, 4)
    out = upsample_bilinear2()(ramp)
    expected = torch.linspace(0, 3, 8).expand(1, 1, 4, 8)
    torch.testing.assert_close(out, expected)


def test_kaiming_by_fan_out():
    conv = init_kaiming(nn.Conv2d(16, 64, 3))
    std = conv.weight.std().item()
    assert std == pytest.approx(math.sqrt(2 / (64 * 9)), rel=0.05)
    assert conv.bias.abs().max() == 0


def test_stages_halve_from_the_second_on():
    encoder = TrunkEncoder(1, (16, 16, 32), 2)
    feats = encoder(torch.randn(1, 1, 16, 16))
    shapes = [tuple(feat.shape[1:]) for feat in feats]
    assert shapes == [(16, 16, 16), (16, 8, 8), (32, 4, 4)]
    assert [len(stage) for stage in encoder.stages] == [2, 2, 2]


class Record(nn.Module):
    """A fusion that notes its name and adds."""

    calls: list = []

    def __init__(self, deep, shallow):
        super().__init__()
        self.name = (deep, shallow)

    def forward(self, deep, shallow):
        self.calls.append((self.name, deep.shape[-1], shallow.shape[-1]))
        return shallow


def test_top_down_head_fuses_from_the_deepest_up():
    head = TopDownHead((4, 8, 12), local_contrast, Record)
    feats = [torch.rand(1, c, s, s) for c, s in ((4, 8), (8, 4), (12, 2))]
    Record.calls.clear()
    assert head(tuple(feats)).shape == (1, 1, 8, 8)
    assert Record.calls == [((12, 8), 2, 4), ((8, 4), 4, 8)]


def test_top_down_head_without_a_prior_is_kaiming():
    build = TopDownHead((64, 8), local_contrast, Record, prior_prob=None)
    assert build.logits[-1].weight.std().item() == pytest.approx(1.4, rel=0.3)
    assert build.logits[-1].bias.item() == 0
    prior = TopDownHead((64, 8), local_contrast, Record)
    assert prior.logits[-1].weight.abs().max().item() < 0.1
    assert prior.logits[-1].bias.item() == pytest.approx(-math.log(99))
