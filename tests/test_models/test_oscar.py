"""OSCAR built from its config: size, shapes, losses."""

import copy

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData, PixelData

from fdep_mm.registry import MODELS

pytest.importorskip('mmdet.models')
from detector_builders import build_detector, det_samples  # noqa: E402
from mmengine.optim import build_optim_wrapper  # noqa: E402
from oscar_builders import (  # noqa: E402
    oscar_cfg,
    oscar_samples,
    small_cfg,
)


@pytest.fixture(autouse=True)
def restored_scope():
    """Later tests must not find mmdet's scope where they expect mmseg's."""
    yield
    init_default_scope('mmseg')


@pytest.fixture(scope='module')
def small():
    return build_detector(small_cfg())


def count(module):
    return sum(p.numel() for p in module.parameters())


def losses(model, size=(64, 64), samples=None):
    samples = samples or oscar_samples(2, size)
    images = torch.randn(len(samples), 3, *size)
    return model.bbox_head.loss(model.extract_feat(images), samples)


# --- the network -----------------------------------------------------------


@pytest.mark.parametrize(
    ('width', 'neck', 'head'),
    ((256, 2.61 - 1.180, 3.85), (128, 0.71 - 0.295, 0.97)),
)
def test_parameters_are_the_published_ones_less_the_dead(width, neck, head):
    init_default_scope('mmdet')
    model = MODELS.build(ConfigDict(oscar_cfg(width)))
    assert round(count(model.backbone) / 1e6, 2) == 11.20
    assert count(model.neck) / 1e6 == pytest.approx(neck, abs=0.006)
    assert round(count(model.bbox_head) / 1e6, 2) == head
    assert count(model) / 1e6 == pytest.approx(
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


def test_head_initialisation(small):
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
    sum(losses(small).values()).backward()
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
    """Two times down is a mean of 2x2, two times up mixes neighbours."""
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


# --- losses ----------------------------------------------------------------


def test_first_losses_on_an_untrained_network():
    """Scores of 0.5 everywhere: the losses follow from the counts."""
    model = build_detector(oscar_cfg(128))
    samples = oscar_samples(2, (128, 128))
    for sample in samples:
        sample.gt_noco.data.zero_()
    out = losses(model, (128, 128), samples)
    easy = 0.75 * 0.5**3 * 0.6931  # focal loss of background at 0.5
    # of the two targets' squares, the coarse points hold 1 and 0, the fine
    # ones 2 and 2
    for level, cells, positives in (('coarse', 512, 1), ('refine', 2048, 4)):
        loss = out[f'loss_{level}_cls'].item()
        assert loss == pytest.approx(2 * easy * cells / positives, rel=0.5)
        assert 0.5 < out[f'loss_{level}_bbox'] < 2
    assert out['loss_refine_noco'].item() == pytest.approx(173.3, rel=0.35)


def test_losses_by_hand(small):
    """All five against formulas written out here."""
    samples = oscar_samples(1)
    maps = small(torch.randn(1, 3, 64, 64), mode='tensor')
    gt = [s.gt_instances for s in samples]
    noco = samples[0].gt_noco.data[None]
    out = small.bbox_head.loss_by_feat(maps, gt, noco)

    target = noco[:, :, 2::4, 2::4]
    p = maps.refine_noco.sigmoid()
    bce = -target * p.log() - (1 - target) * (1 - p).log()
    expected = 1000 * ((p - target) ** 2 * bce).mean()
    torch.testing.assert_close(out['loss_refine_noco'], expected)

    # the target is 20..26 x 10..15: its 8x8 square at the coarse level, and
    # its 6x6 square at the fine one, are centred at (23, 12.5)
    for stride, side, logits, key in (
        (8, 8, maps.coarse_cls, 'loss_coarse_cls'),
        (4, 6, maps.refine_cls, 'loss_refine_cls'),
    ):
        centres = (torch.arange(64 // stride) + 0.5) * stride
        label = (
            ((centres - 12.5).abs() < side / 2)[:, None]
            & ((centres - 23).abs() < side / 2)[None]
        ).float()
        p = logits[0, 0].sigmoid()
        focal = -0.25 * (1 - p) ** 3 * p.log() * label
        focal = focal - 0.75 * p**3 * (1 - p).log() * (1 - label)
        torch.testing.assert_close(
            out[key], 2 * focal.sum() / label.sum().clamp(min=1)
        )


def test_perfect_maps_have_no_box_loss(small):
    """Coarse distances to the pseudo box, refined corners to the true one."""
    maps = small(torch.randn(1, 3, 64, 64), mode='tensor')
    sample = oscar_samples(1)[0]
    head = small.bbox_head
    steps = (torch.arange(8) + 0.5) * 8
    x, y = steps.expand(8, 8), steps[:, None].expand(8, 8)
    square = 19.0, 8.5, 27.0, 16.5
    coarse = torch.stack(
        (x - square[0], y - square[1], square[2] - x, square[3] - y)
    )
    true = torch.tensor((20.0, 10.0, 26.0, 15.0))
    offset = ((true - torch.tensor(square)) / 4).view(1, 4, 1, 1)
    maps = maps._replace(
        coarse_reg=coarse[None], refine_reg=offset.expand(1, 4, 16, 16)
    )
    boxes, _ = head.decode_boxes(maps)
    torch.testing.assert_close(boxes, true.expand_as(boxes))
    out = head.loss_by_feat(
        maps, [sample.gt_instances], sample.gt_noco.data[None]
    )
    assert out['loss_coarse_bbox'] < 1e-5
    assert out['loss_refine_bbox'] < 1e-5


@pytest.mark.parametrize('detach', (False, True))
def test_detached_anchors(detach):
    cfg = small_cfg()
    cfg['bbox_head']['detach_anchors'] = detach
    model = build_detector(cfg)
    losses(model)['loss_refine_bbox'].backward()
    grad = model.bbox_head.head_module.coarse_reg_conv.weight.grad
    assert (grad is None or not grad.any()) == detach


def test_batch_without_targets(small):
    samples = oscar_samples()
    for sample in samples:
        sample.gt_instances = sample.gt_instances[:0]
        sample.gt_noco.data.zero_()
    out = losses(small, samples=samples)
    assert out['loss_coarse_bbox'] == out['loss_refine_bbox'] == 0
    small.zero_grad()
    sum(out.values()).backward()
    assert all(p.grad.isfinite().all() for p in small.parameters())


def test_degenerate_boxes_have_finite_losses(small):
    """Inverted, empty and huge predictions, and a target without area."""
    maps = small(torch.randn(1, 3, 64, 64), mode='tensor')
    gt = InstanceData(
        bboxes=torch.tensor([[20.0, 10, 26, 15], [40, 40, 40, 40]]),
        labels=torch.zeros(2, dtype=torch.long),
    )
    for offset in (-50.0, 0.0, 50.0, 1e4):
        signs = torch.tensor((-1.0, -1, 1, 1)).view(1, 4, 1, 1)
        reg = (offset * signs).expand(1, 4, 16, 16).clone().requires_grad_()
        changed = maps._replace(
            coarse_reg=torch.full((1, 4, 8, 8), 1e-6), refine_reg=reg
        )
        out = small.bbox_head.loss_by_feat(
            changed, [gt], torch.zeros(1, 1, 64, 64)
        )
        assert all(value.isfinite() for value in out.values())
        out['loss_refine_bbox'].backward()
        assert reg.grad.isfinite().all()


def test_diverging_coarse_distances_stay_finite(small):
    module = copy.deepcopy(small.bbox_head.head_module)
    torch.nn.init.constant_(module.coarse_reg_conv.bias, 1e4)
    maps = module((torch.randn(1, 8, 16, 16), torch.randn(1, 8, 8, 8)))
    assert maps.coarse_reg.isfinite().all()


def test_half_precision_losses_are_float32(small):
    with torch.autocast('cpu', dtype=torch.bfloat16):
        out = losses(small)
    assert {value.dtype for value in out.values()} == {torch.float32}
    assert all(value.isfinite() for value in out.values())


def test_loss_falls():
    """A few steps on one batch through the whole training path."""
    model = build_detector(small_cfg())
    samples = det_samples(2, (48, 40))
    for sample in samples:
        noco = torch.zeros(1, 48, 40)
        noco[:, 10:15, 20:26] = 0.9
        sample.gt_noco = PixelData(data=noco)
    images = [torch.randint(0, 256, (3, 48, 40)).byte() for _ in range(2)]
    for image in images:
        image[:, 10:15, 20:27] = 255
    optim = build_optim_wrapper(
        model, dict(optimizer=dict(type='AdamW', lr=3e-3))
    )
    totals = []
    for _ in range(15):
        data = dict(inputs=images, data_samples=copy.deepcopy(samples))
        totals.append(float(model.train_step(data, optim)['loss']))
    assert totals[-1] < 0.5 * totals[0]


# --- NoCo maps of a batch --------------------------------------------------


def test_noco_is_padded_like_the_images(small):
    samples = oscar_samples(1, (40, 50)) + oscar_samples(1, (20, 70))
    maps = [s.gt_noco.data.clone() for s in samples]
    data = dict(
        inputs=[torch.zeros(3, *m.shape[1:]).byte() for m in maps],
        data_samples=samples,
    )
    out = small.data_preprocessor(data, training=True)
    assert out['inputs'].shape == (2, 3, 64, 96)
    for before, sample in zip(maps, out['data_samples'], strict=True):
        after = sample.gt_noco.data
        _, height, width = before.shape
        assert after.shape == (1, 64, 96)
        assert torch.equal(after[:, :height, :width], before)
        assert after.count_nonzero() == before.count_nonzero()
    # outside the image the input is 0, after the normalisation
    assert not out['inputs'][1, :, 20:].any()


def test_missing_noco_is_named(small):
    samples = oscar_samples()
    del samples[1].gt_noco
    with pytest.raises(ValueError, match='GenerateNoCoMap'):
        losses(small, samples=samples)


def test_unpadded_noco_is_named(small):
    samples = oscar_samples()
    samples[1].gt_noco = PixelData(data=torch.zeros(1, 40, 40))
    with pytest.raises(ValueError, match='OSCARDataPreprocessor'):
        losses(small, samples=samples)


def test_two_classes():
    model = build_detector(small_cfg(num_classes=2)).eval()
    samples = oscar_samples()
    samples[1].gt_instances.labels[:] = 1
    assert all(v.isfinite() for v in losses(model, samples=samples).values())
    with torch.no_grad():
        out = model(torch.randn(2, 3, 64, 64), samples, mode='predict')
    assert set(out[0].pred_instances.labels.tolist()) == {0, 1}
