"""PseudoBoxAssigner against a loop, and the statistics of SIRST-V2."""

import xml.etree.ElementTree as ET
from types import SimpleNamespace

import pytest
import torch
from mmengine.structures import InstanceData

pytest.importorskip('mmdet.models')
from fdep_mm.models.task_modules import (  # noqa: E402
    PseudoBoxAssigner,
    point_targets,
    pseudo_boxes,
)


def grid(size, stride):
    steps = (torch.arange(size // stride) + 0.5) * stride
    y, x = torch.meshgrid(steps, steps, indexing='ij')
    return torch.stack((x, y), -1).view(-1, 2)


def assign(points, boxes, side):
    gt = InstanceData(
        bboxes=boxes, labels=torch.zeros(len(boxes), dtype=torch.long)
    )
    return PseudoBoxAssigner(side).assign(InstanceData(priors=points), gt)


def naive_inds(points, boxes, side):
    inds = []
    for x, y in points.tolist():
        best, area = 0, float('inf')
        for i, (x1, y1, x2, y2) in enumerate(boxes.tolist()):
            true_area = (x2 - x1) * (y2 - y1)
            if true_area <= side**2:
                cx, cy = (x1 + x2) / 2, (y1 + y2) / 2
                x1, x2 = cx - side / 2, cx + side / 2
                y1, y2 = cy - side / 2, cy + side / 2
            if min(x - x1, y - y1, x2 - x, y2 - y) > 0 and true_area < area:
                best, area = i + 1, true_area
        inds.append(best)
    return inds


@pytest.mark.parametrize(('side', 'stride'), ((8, 8), (6, 4)))
def test_against_a_loop(side, stride):
    points = grid(64, stride)
    for _ in range(20):
        corner = torch.rand(9, 2) * 50
        boxes = torch.cat((corner, corner + 0.5 + torch.rand(9, 2) * 20), 1)
        result = assign(points, boxes, side)
        assert result.gt_inds.tolist() == naive_inds(points, boxes, side)
        assert ((result.labels == 0) == (result.gt_inds > 0)).all()
        assert ((result.labels == -1) == (result.gt_inds == 0)).all()


def test_pseudo_boxes():
    boxes = torch.tensor([[0.0, 0, 8, 8], [0, 0, 8, 8.1], [4, 4, 4, 4]])
    out = pseudo_boxes(boxes, 8)
    # an area of exactly side ** 2 is still replaced, by the same square
    expected = torch.tensor([[0.0, 0, 8, 8], [0, 0, 8, 8.1], [0, 0, 8, 8]])
    torch.testing.assert_close(out, expected)


def test_the_border_is_outside():
    point = torch.tensor([[10.0, 10.0]])
    touching = torch.tensor([[10.0, 0.0, 30.0, 20.0]])
    assert assign(point, touching, 8).gt_inds.tolist() == [0]
    assert assign(point, touching - 0.5, 8).gt_inds.tolist() == [1]


def test_the_smaller_true_area_wins():
    point = torch.tensor([[16.0, 16.0]])
    boxes = torch.tensor(
        [[8.0, 8, 24, 24], [15, 15, 16, 16], [12, 12, 20, 20]]
    )
    assert assign(point, boxes, 8).gt_inds.tolist() == [2]


def test_thin_target_falls_between_the_points():
    boxes = torch.tensor([[13.0, 0.0, 19.0, 24.0]])  # 6 px between 12 and 20
    assert not assign(grid(32, 8), boxes, 8).gt_inds.any()
    assert assign(grid(32, 4), boxes, 6).gt_inds.any()


@pytest.mark.parametrize('boxes', (torch.zeros(0, 4), torch.full((1, 4), 3.0)))
def test_no_target_and_empty_box(boxes):
    result = assign(grid(32, 8), boxes, 8)
    assert int((result.gt_inds > 0).sum()) == len(boxes)
    assert result.num_gts == len(boxes)


def test_bad_side():
    with pytest.raises(ValueError, match='side=0'):
        PseudoBoxAssigner(0)


def test_point_targets_are_in_the_order_of_the_labels():
    points = grid(32, 8)
    images = [
        torch.tensor([[0.0, 0, 9, 9], [16, 16, 31, 31]]),
        torch.zeros(0, 4),
    ]
    gts = [
        InstanceData(bboxes=b, labels=torch.ones(len(b), dtype=torch.long))
        for b in images
    ]
    labels, targets = point_targets(
        points, PseudoBoxAssigner(8), gts, images, num_classes=2
    )
    assert labels.shape == (2, 16)
    assert (labels[1] == 2).all()
    inside = points[labels[0] == 1]
    assert len(inside) == len(targets) == 5
    assert ((inside > targets[:, :2]) & (inside < targets[:, 2:])).all()


def read_boxes(path):
    """Boxes of an annotation, resized as in training, and the size."""
    root = ET.parse(path).getroot()
    size = [float(root.find('size').find(k).text) for k in ('width', 'height')]
    scale = min(1000 / max(size), 600 / min(size))
    boxes = [
        [float(box.find(k).text) - 1 for k in ('xmin', 'ymin', 'xmax', 'ymax')]
        for box in root.iter('bndbox')
    ]
    return SimpleNamespace(
        boxes=torch.tensor(boxes).view(-1, 4) * scale,
        size=[int(side * scale + 31.5) // 32 * 32 for side in size],
    )


def test_statistics_of_sirst_v2(find_data):
    """Positives per target and kept boxes, oscar's published recipe."""
    root = find_data('sirst-v2')
    names = (root / 'splits/trainval_full.txt').read_text().split()
    images = [
        read_boxes(root / f'annotations/bboxes/{name}.xml') for name in names
    ]
    boxes = [image.boxes for image in images]
    assert sum(map(len, boxes)) == 498
    counts = {}
    for side, stride in ((8, 8), (6, 4)):
        found = []
        for image in images:
            if len(image.boxes):
                points = grid(max(image.size), stride)
                inds = assign(points, image.boxes, side).gt_inds
                found += inds.bincount(minlength=len(image.boxes) + 1)[1:]
        counts[stride] = torch.stack(found).double()
    assert counts[8].mean().item() == pytest.approx(4.5, abs=0.15)
    assert (counts[8] == 0).double().mean().item() < 0.02
    assert int(counts[8].mode().values) == 1
    assert counts[4].mean().item() == pytest.approx(18, abs=0.5)
    assert counts[4].min() > 0
    area = (torch.cat(boxes)[:, 2:] - torch.cat(boxes)[:, :2]).prod(1)
    assert (area > 64).double().mean().item() == pytest.approx(0.81, abs=0.02)
    assert (area > 36).double().mean().item() == pytest.approx(0.89, abs=0.02)
