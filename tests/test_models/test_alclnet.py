import pytest
import torch
import torch.nn.functional as F
from builders import build, host_cfg, size
from torch import nn

from fdep_mm.models.nets.alclnet import BilinearAttention


def test_split():
    model = build(host_cfg('ALCLNet'))
    assert size(model.backbone) == 4_727_184
    transfers = [size(m) for m in model.decode_head.transfers]
    assert transfers == [2_592, 10_304, 41_088, 164_096, 655_872]
    fusions = [size(m) for m in model.decode_head.fusions]
    assert fusions == [864, 3_264, 12_672, 49_920]


def test_every_convolution_is_kaiming():
    """By fan-out, biases 0; within four standard errors of chance."""
    cfg = host_cfg('ALCLNet')
    cfg['decode_head']['prior_prob'] = None
    named = dict(build(cfg).named_modules())
    convs = {k: v for k, v in named.items() if isinstance(v, nn.Conv2d)}
    assert len(convs) > 40
    for name, conv in convs.items():
        assert conv.bias.abs().max() == 0, name
        weight = conv.weight
        std = (2 / weight[:, 0].numel()) ** 0.5
        error = 4 / (2 * weight.numel()) ** 0.5
        assert weight.std().item() == pytest.approx(std, rel=error), name


@torch.no_grad()
def test_attention_comes_from_the_shallow_feature():
    block = BilinearAttention(6, 3).eval()
    deep, shallow = torch.randn(2, 6, 4, 5), torch.randn(2, 3, 8, 10)
    high = F.interpolate(
        deep, size=(8, 10), mode='bilinear', align_corners=True
    )
    # fresh norms in evaluation mode only divide by sqrt(1 + eps)
    scale = (1 + 1e-5) ** -0.5
    high = (F.conv2d(high, block.project[0].weight) * scale).relu()
    gate = (F.conv2d(shallow, block.gate[0].weight) * scale).sigmoid()
    torch.testing.assert_close(block(deep, shallow), shallow + high * gate)
