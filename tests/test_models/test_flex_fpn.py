"""FlexFPN: what it computes, and that nothing of it is dead."""

import pytest
import torch
import torch.nn.functional as F

from fdep_mm.models.necks import FlexFPN

CHANNELS = (8, 16, 32, 64)


def features(size=64):
    return [
        torch.randn(2, c, size >> i, size >> i) for i, c in enumerate(CHANNELS)
    ]


@pytest.mark.parametrize('size', (64, 40, 33))
def test_outputs_by_hand(size):
    neck = FlexFPN(CHANNELS, 6)
    x = [
        torch.randn(1, c, -(-size // 2**i), -(-size // 2**i))
        for i, c in enumerate(CHANNELS)
    ]
    total = 0
    expected = []
    for conv, feat in zip(neck.lateral_convs[::-1], x[::-1], strict=True):
        lateral = conv(feat)
        if expected:
            total = F.interpolate(total, lateral.shape[-2:], mode='nearest')
        total = lateral + total
        expected.insert(0, total)
    p2, p3 = neck(x)
    torch.testing.assert_close(p2, neck.fpn_convs[0](expected[0]))
    torch.testing.assert_close(p3, neck.fpn_convs[1](expected[1]))


def test_same_as_mmdets_fpn():
    fpn = pytest.importorskip('mmdet.models').FPN(list(CHANNELS), 6, 4)
    neck = FlexFPN(CHANNELS, 6)
    weights = {
        key.replace('.conv.', '.'): value
        for key, value in fpn.state_dict().items()
        if not key.startswith(('fpn_convs.2', 'fpn_convs.3'))
    }
    neck.load_state_dict(weights)
    x = features()
    for ours, theirs in zip(neck(x), fpn(x), strict=False):
        torch.testing.assert_close(ours, theirs)


def test_no_dead_parameters():
    neck = FlexFPN(CHANNELS, 6)
    neck.init_weights()
    out = neck(features())
    assert [x.shape[-1] for x in out] == [64, 32]
    sum(x.sum() for x in out).backward()
    assert all(p.grad is not None for p in neck.parameters())


def test_initialization():
    neck = FlexFPN(CHANNELS, 32)
    neck.init_weights()
    weight = neck.lateral_convs[3].weight
    bound = (6 / (64 + 32)) ** 0.5  # Xavier, uniform
    assert 0.9 * bound < weight.abs().max() <= bound
    assert all(not conv.bias.any() for conv in neck.lateral_convs)
