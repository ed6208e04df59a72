"""OSCAR built from its config: size, shapes, gates."""

import copy

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.registry import init_default_scope

from fdep_mm.registry import MODELS

pytest.importorskip('mmdet.models')
from builders import size  # noqa: E402
from detector_builders import build_detector  # noqa: E402
from oscar_builders import (  # noqa: E402
    oscar_cfg,
    oscar_losses,
    oscar_samples,
    small_cfg,
)


@pytest.fixture(scope='module')
def small():
    return build_detector(small_cfg())


@pytest.mark.parametrize(
    ('width', 'neck', 'head'),
    ((256, 2.61 - 1.180, 3.85), (128, 0.71 - 0.295, 0.97)),
)
def test_parameters_are_the_published_ones_less_the_dead(width, neck, head):
    init_default_scope('mmdet')
    model = MODELS.build(ConfigDict(oscar_cfg(width)))
    assert round(size(model.backbone) / 1e6, 2) == 11.20
    assert size(model.neck) / 1e6 == pytest.approx(neck, abs=0.006)
    assert round(size(model.bbox_head) / 1e6, 2) == head
    assert size(model) / 1e6 == pytest.approx(
        {256: 17.66 - 1.180, 128: 12.88 - 0.295}[width], abs=0.006
    )


def test_backbone_is_the_papers():
    """Deep stem 32-32-64, identity blocks, trained and updated norms."""
    model = build_detector(oscar_cfg(128))
    model.train()
    backbone = model.backbone
    widths = [m.out_channels for m in backbone.stem if hasattr(m, 'stride')]
    assert widths == [32, 32, 64]
    assert all(m.training for m in backbone.modules())
    assert all(p.requires_grad for p in backbone.parameters())
    for i in range(1, 5):
        for block in getattr(backbone, f'layer{i}'):
            assert not block.bn2.weight.any()
            assert (block.bn1.weight == 1).all()
    std = backbone.layer4[1].conv2.weight.std().item()
    assert std == pytest.approx((2 / (512 * 9)) ** 0.5, rel=0.02)
    assert backbone.init_cfg[0]['type'] == 'Kaiming'


def test_head_initialization(small):
    module = build_detector(oscar_cfg(128)).bbox_head.head_module
    convs = [m for m in module.modules() if isinstance(m, torch.nn.Conv2d)]
    assert len(convs) == 5 * 4 + 7
    weights = torch.cat([conv.weight.flatten() for conv in convs])
    assert weights.std().item() == pytest.approx(0.01, rel=0.01)
    assert not any(c.bias.any() for c in convs if c.bias is not None)


@pytest.mark.parametrize('size', ((64, 96), (32, 32)))
def test_shapes_of_the_maps(small, size):
    height, width = size
    maps = small(torch.randn(2, 3, *size), mode='tensor')
    fine, coarse = (height // 4, width // 4), (height // 8, width // 8)
    assert maps.coarse_cls.shape == (2, 1, *coarse)
    assert maps.coarse_reg.shape == (2, 4, *coarse)
    assert maps.refine_cls.shape == (2, 1, *fine)
    assert maps.refine_reg.shape == (2, 4, *fine)
    assert maps.refine_noco.shape == (2, 1, *fine)
    assert (maps.coarse_reg > 0).all()


def test_every_parameter_learns(small):
    small.zero_grad()
    sum(oscar_losses(small).values()).backward()
    assert [n for n, p in small.named_parameters() if p.grad is None] == []


def test_gates_multiply_the_other_levels_logits(small):
    module = copy.deepcopy(small.bbox_head.head_module)
    features = torch.randn(1, 8, 16, 16), torch.randn(1, 8, 8, 8)
    before = module(features)
    torch.nn.init.zeros_(module.coarse_gate_conv.weight)
    torch.nn.init.constant_(module.coarse_gate_conv.bias, -50.0)
    after = module(features)
    torch.testing.assert_close(after.coarse_cls, before.coarse_cls)
    assert before.refine_cls.any()
    torch.testing.assert_close(
        after.refine_cls, torch.zeros(1, 1, 16, 16), atol=1e-9, rtol=0
    )


def test_gate_by_hand():
    """Two times down is a mean of 2x2, two times up mixes neighbors."""
    module = build_detector(small_cfg()).bbox_head.head_module
    fine, coarse = torch.randn(1, 8, 16, 16), torch.randn(1, 8, 8, 8)
    maps = module((fine, coarse))
    tower = module.refine_cls_tower(fine)
    gate = torch.nn.functional.avg_pool2d(module.refine_gate_conv(tower), 2)
    logits = module.coarse_cls_conv(module.coarse_cls_tower(coarse))
    torch.testing.assert_close(maps.coarse_cls, logits * gate.sigmoid())


def test_prior_prob():
    head = build_detector(small_cfg(prior_prob=0.01)).bbox_head
    maps = head((torch.zeros(1, 8, 16, 16), torch.zeros(1, 8, 8, 8)))
    for logits in (maps.coarse_cls, maps.refine_cls, maps.refine_noco):
        assert logits.sigmoid().mean().item() == pytest.approx(0.01, rel=0.3)
    with pytest.raises(ValueError, match='prior_prob=1'):
        build_detector(small_cfg(prior_prob=1))


def test_two_classes():
    model = build_detector(small_cfg(num_classes=2)).eval()
    samples = oscar_samples()
    samples[1].gt_instances.labels[:] = 1
    assert all(
        v.isfinite() for v in oscar_losses(model, samples=samples).values()
    )
    with torch.no_grad():
        out = model(torch.randn(2, 3, 64, 64), samples, mode='predict')
    assert set(out[0].pred_instances.labels.tolist()) == {0, 1}
