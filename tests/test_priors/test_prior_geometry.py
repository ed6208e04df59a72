"""Places of cells, against naive counting."""

import numpy as np
import pytest
import torch

from fdep_mm.priors import coordinates, map_shapes, resample


def test_shapes_are_those_of_the_vfm():
    """The rule of FrozenVFM: nearest multiple of the largest stride."""
    assert map_shapes((64, 80), (16, 16), 1) == [(4, 5), (4, 5)]
    assert map_shapes((70, 20), (16,), 1) == [(4, 1)]
    assert map_shapes((70, 20), (16,), 2) == [(9, 2)]
    assert map_shapes((64, 100), (4, 32), 1) == [(16, 24), (2, 3)]
    assert map_shapes((5, 5), (14,), 1) == [(1, 1)]


def test_coordinates():
    field = coordinates((3, 5))
    assert field.dtype == np.float32 and field.shape == (3, 5, 2)
    assert field[2, 4].tolist() == [3, -5]


def own(size, channels=2, stride=4, dtype=torch.float16):
    torch.manual_seed(0)
    shapes = map_shapes(size, (stride,), 1)
    return torch.randn(channels, *shapes[0]).to(dtype)


@pytest.mark.parametrize('size', [(16, 24), (17, 23), (4, 4), (3, 30)])
def test_nothing_moved_nothing_changed(size):
    one = own(size)
    (out,) = resample([one], size, coordinates(size), [one.shape[1:]])
    assert out.dtype == one.dtype and torch.equal(out, one)


def naive(one, size, place):
    """One cell's value at a place in px, by the book."""
    rows, columns = one.shape[1:]
    y = (place[0] + 0.5) * rows / size[0] - 0.5
    x = (place[1] + 0.5) * columns / size[1] - 0.5
    y, x = min(max(y, 0), rows - 1), min(max(x, 0), columns - 1)
    y0, x0 = int(y), int(x)
    y1, x1 = min(y0 + 1, rows - 1), min(x0 + 1, columns - 1)
    wy, wx = y - y0, x - x0
    return (
        (1 - wy) * (1 - wx) * one[:, y0, x0]
        + (1 - wy) * wx * one[:, y0, x1]
        + wy * (1 - wx) * one[:, y1, x0]
        + wy * wx * one[:, y1, x1]
    )


@pytest.mark.parametrize('size', [(40, 40), (42, 37)])
@pytest.mark.parametrize('origin', [(0, 0), (8, 4), (3, 5), (9, 0)])
def test_crops(size, origin):
    one = own(size, dtype=torch.float32)
    top, left = origin
    field = coordinates(size)[top : top + 24, left : left + 28]
    (out,) = resample([one], size, field, [(6, 7)])
    for i in range(6):
        for j in range(7):
            place = (top + 4 * i + 1.5, left + 4 * j + 1.5)
            torch.testing.assert_close(
                out[:, i, j], naive(one, size, place), rtol=1e-4, atol=1e-4
            )
    if size == (40, 40) and origin in ((0, 0), (8, 4)):
        slices = one[:, top // 4 : top // 4 + 6, left // 4 : left // 4 + 7]
        assert torch.equal(out, slices)


@pytest.mark.parametrize('fill', [0, 255, -1])
@pytest.mark.parametrize('channels', ['both', 'first'])
def test_outside_is_zero_whatever_the_fill(fill, channels):
    """Some fill both channels, OpenCV with one number the first only."""
    size = (16, 16)
    one = own(size) + 10
    field = np.full((24, 28, 2), fill, np.float32)
    if channels == 'first':
        field[..., 1] = 0
    field[:16, :16] = coordinates(size)
    (out,) = resample([one], size, field, [(6, 7)])
    assert torch.equal(out[:, :4, :4], one)
    assert out[:, 4:].abs().max() == 0 == out[:, :, 4:].abs().max()


def test_a_cell_counts_by_its_center():
    size = (16, 16)
    one = torch.ones(1, 4, 4)
    for inside, expected in ((1, 0), (2, 1), (3, 1)):
        field = np.zeros((16, 16, 2), np.float32)
        field[: 4 + inside] = coordinates(size)[: 4 + inside]
        (out,) = resample([one], size, field, [(4, 4)])
        assert out[0, :, 0].tolist() == [1, expected, 0, 0]
