import torch
from builders import build, host_cfg, images, size
from torch import nn

from fdep_mm.models.nets.mlclnet import MultiscaleContrast


def test_small_form():
    cfg = host_cfg('MLCLNet')
    cfg['backbone']['num_blocks'] = 2
    model = build(cfg)
    assert size(model.backbone) == 198_000
    assert size(model) == 559_809


def test_split():
    model = build(host_cfg('MLCLNet'))
    assert size(model.backbone) == 295_440
    contrasts = [size(m) for m in model.decode_head.contrasts]
    assert contrasts == [16_752, 66_784, 266_688]
    assert size(model.decode_head.logits) == 4_225


@torch.no_grad()
def test_scales_are_fused_linearly():
    block = MultiscaleContrast(4)
    x = torch.randn(1, 4, 16, 16)
    weights = block.fuse.weight[:, :, 0, 0].split(4, dim=1)
    expected = sum(
        torch.einsum('oc,bchw->bohw', w, scale(x))
        for w, scale in zip(weights, block.scales, strict=True)
    )
    torch.testing.assert_close(block(x), expected)
    assert block(x).min() < 0
    kernels = [(s[0].kernel_size[0], s[2].dilation[0]) for s in block.scales]
    assert kernels == [(1, 1), (3, 3), (5, 5)]


def test_initialization_kinds():
    """Biases are zero exactly where the reference uses Kaiming."""
    cfg = host_cfg('MLCLNet')
    cfg['decode_head']['prior_prob'] = None
    default = {
        name.split('.')[1]
        for name, module in build(cfg).named_modules()
        if isinstance(module, nn.Conv2d) and module.bias.abs().max() > 0
    }
    assert default == {'stem', 'laterals', 'logits'}


@torch.no_grad()
def test_pyramid():
    """The deepest lateral convolution comes before its upsampling."""
    model = build(host_cfg('MLCLNet')).eval()
    head = model.decode_head
    feats = model.backbone(images(1, (16, 16)))
    lateral = [
        nn.functional.conv2d(m(f), conv[0].weight, conv[0].bias).relu()
        for m, f, conv in zip(
            head.contrasts, feats, head.laterals, strict=True
        )
    ]

    def up(x):
        return nn.functional.interpolate(
            x, scale_factor=2, mode='bilinear', align_corners=True
        )

    x = up(up(lateral[2]) + lateral[1]) + lateral[0]
    torch.testing.assert_close(head(feats), head.logits(x))
