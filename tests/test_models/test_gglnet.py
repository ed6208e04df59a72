import math

import pytest
import torch
import torch.nn.functional as F
from builders import build, host_cfg, images, size
from torch import nn

from fdep_mm.models.nets.gglnet import (
    GradientSupplement,
    SEIdentityBlock,
    TwoWayGuidance,
    gradient_magnitude,
)


def test_split():
    model = build(host_cfg('GGLNet'))
    assert size(model.backbone) == 8_063_776
    fusions = [size(m) for m in model.decode_head.fusions]
    assert fusions == [723, 2_499, 9_507, 37_347]
    assert size(SEIdentityBlock(64)) == 76_160
    assert size(GradientSupplement(3, 32)) == 39_136


def test_gradient_magnitude_pixel_by_pixel():
    x = torch.randn(1, 2, 4, 6)
    out = gradient_magnitude(x)
    for c in range(2):

        def at(i, j, image=x[0, c]):
            inside = 0 <= i < 4 and 0 <= j < 6
            return image[i, j].item() if inside else 0.0

        for i in range(4):
            for j in range(6):
                dx = (at(i, j + 1) - at(i, j - 1)) / 2
                dy = (at(i - 1, j) - at(i + 1, j)) / 2
                expected = math.hypot(dx, dy)
                assert math.isclose(
                    out[0, c, i, j].item(), expected, abs_tol=1e-6
                )


def test_nothing_flows_back_through_the_gradient_map():
    """The root has an infinite slope at 0, where an image is flat."""
    x = torch.ones(1, 3, 8, 8, requires_grad=True)
    assert not gradient_magnitude(x).requires_grad


@torch.no_grad()
def test_every_level_gets_the_pooled_gradient_map():
    encoder = build(host_cfg('GGLNet')).backbone.eval()
    seen = []
    for supplement in encoder.supplements:
        supplement.register_forward_hook(
            lambda module, inputs, out: seen.append((inputs[1], out))
        )
    x = images(1, (32, 48))
    feats = encoder(x)
    assert len(seen) == len(feats) == 5
    for level, (gradient, out) in enumerate(seen):
        pooled = F.max_pool2d(gradient_magnitude(x), 2**level)
        assert torch.equal(gradient, pooled)
        assert out is feats[level]  # decoder and next stage see the sum


@torch.no_grad()
def test_supplement_is_residual():
    block = GradientSupplement(3, 8).eval()
    nn.init.zeros_(block.fuse[-1].weight)
    nn.init.constant_(block.fuse[-1].bias, -0.5)
    x = torch.randn(1, 8, 6, 6)
    out = block(x, torch.rand(1, 3, 6, 6))
    torch.testing.assert_close(out, (x - 0.5).relu())


@torch.no_grad()
def test_two_way_guidance():
    block = TwoWayGuidance(24, 16).eval()
    deep, shallow = torch.randn(2, 24, 4, 4), torch.randn(2, 16, 8, 8)
    high = F.interpolate(
        deep, size=(8, 8), mode='bilinear', align_corners=True
    )
    high = F.conv2d(high, block.project[0].weight) * (1 + 1e-5) ** -0.5
    high = high.relu()
    first, second = (
        block.channel_gate.layers[i].weight[:, :, 0, 0].T for i in (0, 2)
    )
    assert first.shape == (16, 2)

    def mlp(x):
        return (x @ first).relu() @ second

    channel = (mlp(high.mean((2, 3))) + mlp(high.amax((2, 3)))).sigmoid()
    pooled = torch.stack([shallow.mean(1), shallow.max(1).values], 1)
    conv = block.spatial_gate.conv
    assert conv.bias is not None and conv.kernel_size == (7, 7)
    pixel = F.conv2d(pooled, conv.weight, conv.bias, padding=3).sigmoid()
    expected = shallow * channel[:, :, None, None] + high * pixel
    torch.testing.assert_close(block(deep, shallow), expected)


def test_initialization_kinds():
    """PyTorch's bounded weights in the gates, Kaiming's elsewhere."""
    cfg = host_cfg('GGLNet')
    cfg['decode_head']['prior_prob'] = None
    for name, module in build(cfg).named_modules():
        if not isinstance(module, nn.Conv2d):
            continue
        gate = 'gate' in name.split('.', 1)[1]
        weight = module.weight
        fan_out = weight[:, 0].numel()
        if gate:
            assert weight.abs().max() <= weight[0].numel() ** -0.5, name
        else:
            std = pytest.approx((2 / fan_out) ** 0.5, rel=0.4)
            assert weight.std().item() == std, name
        if module.bias is not None:
            assert (module.bias.abs().max() > 0) == gate, name
