"""OSCAR's losses: by hand, on degenerate input, and falling."""

import copy

import pytest
import torch
from mmengine.logging import MessageHub
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData, PixelData

from fdep_mm.registry import MODELS

pytest.importorskip('mmdet.models')
from detector_builders import build_detector, det_samples  # noqa: E402
from mmengine.optim import build_optim_wrapper  # noqa: E402
from oscar_builders import (  # noqa: E402
    PREPROCESSOR,
    oscar_cfg,
    oscar_losses,
    oscar_samples,
    small_cfg,
)


@pytest.fixture(scope='module')
def small():
    return build_detector(small_cfg())


def test_first_losses_on_an_untrained_network():
    """Scores of 0.5 everywhere: the losses follow from the counts."""
    model = build_detector(oscar_cfg(128))
    samples = oscar_samples(2, (128, 128))
    for sample in samples:
        sample.gt_noco.data.zero_()
    out = oscar_losses(model, (128, 128), samples)
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
    # its 6x6 square at the fine one, are centered at (23, 12.5)
    for stride, side, logits, key in (
        (8, 8, maps.coarse_cls, 'loss_coarse_cls'),
        (4, 6, maps.refine_cls, 'loss_refine_cls'),
    ):
        centers = (torch.arange(64 // stride) + 0.5) * stride
        label = (
            ((centers - 12.5).abs() < side / 2)[:, None]
            & ((centers - 23).abs() < side / 2)[None]
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
    oscar_losses(model)['loss_refine_bbox'].backward()
    grad = model.bbox_head.head_module.coarse_reg_conv.weight.grad
    assert (grad is None or not grad.any()) == detach


def test_batch_without_targets(small):
    samples = oscar_samples()
    for sample in samples:
        sample.gt_instances = sample.gt_instances[:0]
        sample.gt_noco.data.zero_()
    out = oscar_losses(small, samples=samples)
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
        out = oscar_losses(small)
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
    # outside the image the input is 0, after the normalization
    assert not out['inputs'][1, :, 20:].any()


def test_batch_augmentations_that_resize_are_refused():
    """They would leave the map at the old places."""
    cfg = small_cfg()
    cfg['data_preprocessor'] = dict(
        PREPROCESSOR,
        batch_augments=[
            dict(type='BatchSyncRandomResize', random_size_range=(32, 64))
        ],
    )
    model = build_detector(cfg)
    MessageHub.get_current_instance().update_info('iter', 0)
    data = dict(
        inputs=[torch.zeros(3, 64, 64).byte()] * 2,
        data_samples=oscar_samples(),
    )
    model.data_preprocessor(copy.deepcopy(data), training=True)
    model.data_preprocessor.batch_augments[0]._input_size = (96, 96)
    with pytest.raises(ValueError, match=r'\(64, 64\).*\(96, 96\).*in the pi'):
        model.data_preprocessor(data, training=True)


def test_head_without_assigners():
    """Plain dictionaries will do, and what they lack is named."""
    cfg = small_cfg()
    init_default_scope('mmdet')
    head = MODELS.build(
        cfg['bbox_head']
        | dict(train_cfg=cfg['train_cfg'], test_cfg=cfg['test_cfg'])
    )
    features = torch.rand(2, 8, 16, 16), torch.rand(2, 8, 8, 8)
    assert len(head.loss(features, oscar_samples())) == 5
    coarse = cfg['train_cfg']['coarse_assigner']
    with pytest.raises(ValueError, match='lacks refine_assigner: give it'):
        MODELS.build(
            cfg['bbox_head'] | dict(train_cfg=dict(coarse_assigner=coarse))
        )
    head = MODELS.build(cfg['bbox_head'])
    with pytest.raises(ValueError, match='train_cfg=dict'):
        head.loss(features, oscar_samples())


def test_missing_noco_is_named(small):
    samples = oscar_samples()
    del samples[1].gt_noco
    with pytest.raises(ValueError, match='GenerateNoCoMap'):
        oscar_losses(small, samples=samples)


def test_unpadded_noco_is_named(small):
    samples = oscar_samples()
    samples[1].gt_noco = PixelData(data=torch.zeros(1, 40, 40))
    with pytest.raises(ValueError, match='OSCARDataPreprocessor'):
        oscar_losses(small, samples=samples)
