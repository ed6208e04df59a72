"""Points that OSCAR derives from its NoCo map."""

import pytest
import torch

pytest.importorskip('mmdet.models')
from fdep_mm.models.dense_heads.oscar_decoding import (  # noqa: E402
    noco_centroids,
    rows,
)

STRIDE = 4


def naive_centroid(box, noco):
    """Loops over all cells; cell j stands for the center of pixel 4j + 2."""
    x1, y1, x2, y2 = box
    best, cell = 0.0, None
    for i, j in torch.cartesian_prod(*map(torch.arange, noco.shape)).tolist():
        x, y = 4 * j + 2.5, 4 * i + 2.5
        value = noco[i, j].item()
        if x1 <= x < x2 and y1 <= y < y2 and value > best:
            best, cell = value, (i, j)
    if cell is None:
        return [(x1 + x2) / 2, (y1 + y2) / 2]
    total = sum_x = sum_y = 0.0
    for i in range(max(cell[0] - 1, 0), min(cell[0] + 2, noco.shape[0])):
        for j in range(max(cell[1] - 1, 0), min(cell[1] + 2, noco.shape[1])):
            weight = noco[i, j].item() ** 2
            total += weight
            sum_x += weight * (4 * j + 2.5)
            sum_y += weight * (4 * i + 2.5)
    return [
        inside(sum_x / total, x1, x2),
        inside(sum_y / total, y1, y2),
    ]


def inside(place, low, high):
    """Not beyond the centers of the outermost pixels."""
    if high - low < 1:
        return (low + high) / 2
    return min(max(place, low + 0.5), high - 0.5)


def test_against_loops():
    noco = torch.rand(9, 7)
    corner = torch.rand(40, 2) * torch.tensor([28.0, 36.0])
    boxes = torch.cat((corner, corner + torch.rand(40, 2) * 20), dim=1)
    expected = [naive_centroid(box, noco) for box in boxes.tolist()]
    torch.testing.assert_close(
        noco_centroids(boxes, noco, STRIDE), torch.tensor(expected)
    )


def test_one_peak():
    noco = torch.zeros(8, 8)
    noco[3, 5] = 0.8
    boxes = torch.tensor([[16.0, 8, 30, 20], [0, 0, 8, 8], [31, 31, 30, 30]])
    points = noco_centroids(boxes, noco, STRIDE).tolist()
    assert points[0] == [22.5, 14.5]
    assert points[1] == [4.0, 4.0]  # nothing in the box
    assert points[2] == [30.5, 30.5]  # inverted


def test_a_bright_neighbor_does_not_pull_the_point_out():
    noco = torch.zeros(8, 8)
    noco[3, 5], noco[3, 6] = 0.3, 0.9  # pixels 22 and 26
    boxes = torch.tensor([[18.0, 8, 24, 20], [22.2, 13, 22.8, 30]])
    points = noco_centroids(boxes, noco, STRIDE)
    torch.testing.assert_close(
        points, torch.tensor([[23.5, 14.5], [22.5, 14.5]])
    )


def test_no_box():
    assert noco_centroids(torch.zeros(0, 4), torch.rand(8, 8), 4).shape == (
        0,
        2,
    )


def test_rows_are_in_reading_order():
    maps = torch.arange(12.0).view(1, 2, 2, 3)
    assert rows(maps)[0, :, 0].tolist() == [0, 1, 2, 3, 4, 5]
