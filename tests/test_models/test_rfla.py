"""RFLA's assignment against a loop, and its head."""

import math

import pytest
import torch

pytest.importorskip('mmdet.models')

from detector_builders import (  # noqa: E402
    FIELDS,
    build_detector,
    det_samples,
    fcos_cfg,
    instances,
)
from mmengine.structures import InstanceData  # noqa: E402

from fdep_mm.models.task_modules import (  # noqa: E402
    RFLAAssigner,
    kld_similarity,
)


def naive_similarity(target, prior):
    """Half sizes as standard deviations, prior || target, axis by axis."""
    divergence = 0.0
    for axis in (0, 1):
        mean1 = (target[axis] + target[axis + 2]) / 2
        mean2 = (prior[axis] + prior[axis + 2]) / 2
        std1 = (target[axis + 2] - target[axis]) / 2
        std2 = (prior[axis + 2] - prior[axis]) / 2
        divergence += (
            math.log(std1 / std2)
            + (std2**2 + (mean2 - mean1) ** 2) / (2 * std1**2)
            - 0.5
        )
    return 1 / (1 + divergence)


def naive_assign(priors, targets, topk, ratio):
    """One target after the other, each stage a loop over sorted scores."""
    assigned = [0] * len(priors)
    for stage, factor in ((0, 1.0), (1, ratio)):
        taken = {}
        for g, target in enumerate(targets):
            scores = []
            for x1, y1, x2, y2 in priors:
                cx, cy = (x1 + x2) / 2, (y1 + y2) / 2
                w, h = (x2 - x1) * factor / 2, (y2 - y1) * factor / 2
                box = (cx - w, cy - h, cx + w, cy + h)
                scores.append(naive_similarity(target, box))
            limit = sorted(scores, reverse=True)[: topk[stage]][-1]
            for n, score in enumerate(scores):
                if score >= limit:
                    taken[n] = g + 1
        for n, g in taken.items():
            assigned[n] = assigned[n] or g
    return assigned


def random_boxes(num, low, high, size=128.0):
    center = torch.rand(num, 2, dtype=torch.float64) * size
    sides = low + torch.rand(num, 2, dtype=torch.float64) * (high - low)
    return torch.cat((center - sides / 2, center + sides / 2), 1)


def assign(priors, targets, **options):
    labels = torch.arange(len(targets)) + 7
    return RFLAAssigner(**options).assign(
        InstanceData(priors=priors),
        InstanceData(bboxes=targets, labels=labels),
    )


def test_similarity_is_that_of_gaussians():
    targets, priors = random_boxes(5, 2, 20), random_boxes(40, 10, 200)
    ours = kld_similarity(targets, priors)
    theirs = [
        [naive_similarity(t, p) for p in priors.tolist()]
        for t in targets.tolist()
    ]
    torch.testing.assert_close(
        ours, torch.tensor(theirs, dtype=torch.float64), rtol=1e-5, atol=0
    )


def test_similarity_agrees_with_torch_distributions():
    from torch.distributions import Normal, kl_divergence

    target, prior = (
        torch.tensor([[3.0, 4, 9, 9]]),
        torch.tensor([[0.0, 0, 8, 8]]),
    )
    normals = [
        Normal((b[0, :2] + b[0, 2:]) / 2, (b[0, 2:] - b[0, :2]) / 2)
        for b in (prior, target)
    ]
    expected = 1 / (1 + kl_divergence(*normals).sum())
    torch.testing.assert_close(kld_similarity(target, prior)[0, 0], expected)


def test_similarity_of_equal_and_empty_boxes():
    box = torch.tensor([[3.0, 4, 9, 9]])
    assert kld_similarity(box, box) == 1
    point = torch.tensor([[3.0, 4, 3, 4]])
    for pair in ((point, box), (box, point)):
        assert kld_similarity(*pair).isfinite().all()


@pytest.mark.parametrize('seed', range(4))
@pytest.mark.parametrize('topk', [(6, 1), (1, 3)])
def test_assignment_is_that_of_a_loop(seed, topk):
    torch.manual_seed(seed)
    priors = random_boxes(60, 10, 100)
    targets = random_boxes(1 + 2 * seed, 2, 20)
    ours = assign(priors, targets, topk=topk, ratio=0.7)
    expected = naive_assign(priors.tolist(), targets.tolist(), topk, 0.7)
    assert ours.gt_inds.tolist() == expected
    positive = ours.gt_inds > 0
    assert (ours.labels[positive] == ours.gt_inds[positive] + 6).all()
    assert (ours.labels[~positive] == -1).all()
    assert torch.equal(
        ours.max_overlaps, kld_similarity(targets, priors).amax(0)
    )


def test_second_stage_adds_priors():
    """Where shrinking changes which prior is the most similar one."""
    target = torch.tensor([[0.0, 0, 10, 10]])
    priors = torch.tensor([[0.0, 0, 10, 10], [-1.5, -1.5, 11.5, 11.5]])
    assert assign(
        priors, target, topk=(1, 1), ratio=0.95
    ).gt_inds.tolist() == [
        1,
        0,
    ]
    assert assign(
        priors, target, topk=(1, 1), ratio=0.77
    ).gt_inds.tolist() == [
        1,
        1,
    ]


def test_ties_are_all_taken_and_the_later_target_wins():
    target = torch.tensor([[8.0, 8, 12, 12]])
    centers = torch.tensor([[8.0, 10], [12, 10], [10, 8], [10, 12], [30, 30]])
    priors = torch.cat((centers - 4, centers + 4), 1)
    one = assign(priors, target, topk=(1, 1))
    assert one.gt_inds.tolist() == [1, 1, 1, 1, 0]
    two = assign(priors, target.repeat(2, 1), topk=(1, 1))
    assert two.gt_inds.tolist() == [2, 2, 2, 2, 0]


def test_no_target_and_fewer_priors_than_k():
    priors = random_boxes(4, 10, 20)
    none = assign(priors, torch.zeros(0, 4, dtype=torch.float64))
    assert none.gt_inds.tolist() == [0] * 4
    assert none.max_overlaps.tolist() == [0] * 4
    assert assign(priors, random_boxes(1, 5, 6)).gt_inds.tolist() == [1] * 4


def test_priors_are_not_changed():
    priors = random_boxes(30, 10, 100)
    before = priors.clone()
    assign(priors, random_boxes(3, 2, 20))
    assert torch.equal(priors, before)


def head_and_points(size=(64, 96)):
    head = build_detector(fcos_cfg(rfla=True)).bbox_head
    sizes = [(size[0] // s, size[1] // s) for s in head.strides]
    return head, head.prior_generator.grid_priors(sizes, device='cpu')


def test_targets_of_an_image_do_not_depend_on_its_batch():
    head, points = head_and_points()
    images = [
        instances((20, 10, 26, 15), (70, 40, 79, 52)),
        instances(),
        instances((5, 30, 8, 34)),
        instances((20, 10, 26, 15), (22, 11, 29, 19)),
    ]
    alone = [head.get_targets(points, [image]) for image in images]
    together = head.get_targets(points, images)
    for field in (0, 1):
        for level in range(3):
            torch.testing.assert_close(
                together[field][level],
                torch.cat([single[field][level] for single in alone]),
                rtol=0,
                atol=0,
            )
    labels = torch.cat(together[0])
    assert (labels == 0).sum() >= 6 * 4


def test_targets_are_those_of_the_assigner():
    head, points = head_and_points()
    gt = instances((20, 10, 26, 15), (70, 40, 79, 52))
    labels, distances = head._get_targets_single(
        gt, torch.cat(points), None, [len(p) for p in points]
    )
    priors = [
        (x - f / 4, y - f / 4, x + f / 4, y + f / 4)
        for level, f in zip(points, FIELDS, strict=True)
        for x, y in level.tolist()
    ]
    expected = naive_assign(priors, gt.bboxes.tolist(), (6, 1), 0.9)
    assert (labels == 0).tolist() == [g > 0 for g in expected]
    for n, g in enumerate(expected):
        if g:
            x, y = torch.cat(points)[n].tolist()
            x1, y1, x2, y2 = gt.bboxes[g - 1].tolist()
            assert distances[n].tolist() == [x - x1, y - y1, x2 - x, y2 - y]
        else:
            assert distances[n].tolist() == [0] * 4


def test_centerness_outside_the_target():
    head, _ = head_and_points()
    sides = torch.tensor([[2.0, 3, 2, 3], [-4.0, 3, 10, 3], [1.0, 1, 4, 4]])
    expected = [1.0, math.sqrt(0.01 / 10), math.sqrt(1 / 16)]
    torch.testing.assert_close(
        head.centerness_target(sides), torch.tensor(expected)
    )
    assert head.centerness_target(torch.zeros(0, 4)).shape == (0,)


@pytest.mark.parametrize('empty', [False, True])
def test_one_training_step(empty):
    model = build_detector(fcos_cfg(rfla=True)).train()
    samples = det_samples()
    if empty:
        for sample in samples:
            sample.gt_instances = instances()
    total, logs = model.parse_losses(
        model.loss(torch.randn(2, 3, 64, 64), samples)
    )
    total.backward()
    assert total.isfinite()
    assert set(logs) == {'loss', 'loss_cls', 'loss_bbox', 'loss_centerness'}
    assert (logs['loss_bbox'] == 0) == empty


def test_bad_options():
    with pytest.raises(ValueError, match='got 2 for 3 strides'):
        cfg = fcos_cfg(rfla=True)
        cfg['bbox_head']['receptive_fields'] = (91, 267)
        build_detector(cfg)
    with pytest.raises(ValueError, match='must be positive'):
        cfg = fcos_cfg(rfla=True)
        cfg['bbox_head']['fraction'] = 0
        build_detector(cfg)
    with pytest.raises(ValueError, match='one per stage'):
        RFLAAssigner(topk=(6,))
    with pytest.raises(ValueError, match='ratio must be positive'):
        RFLAAssigner(ratio=0)


def test_head_without_assigner():
    model = build_detector(fcos_cfg(rfla=True, train_cfg=None))
    with pytest.raises(ValueError, match='train_cfg=dict.*RFLAAssigner'):
        model.loss(torch.randn(2, 3, 64, 64), det_samples())
