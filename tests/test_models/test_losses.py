import numpy as np
import pytest
import torch

from fdep_mm.models.losses import EdgeBCELoss, SoftIoULoss
from fdep_mm.models.losses.edge_bce import edge_map, kth_smallest


def batch(size=(2, 12, 9)):
    rng = np.random.default_rng(0)
    logits = torch.tensor(rng.normal(size=(size[0], 1, *size[1:])) * 3)
    target = torch.tensor(rng.random(size) < 0.3).long()
    return logits, target


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize('over', ['image', 'batch'])
def test_soft_iou_against_numpy(over):
    logits, target = batch()
    p, t = sigmoid(logits.numpy()[:, 0]), target.numpy()
    groups = range(2) if over == 'image' else [slice(None)]
    ratios = []
    for g in groups:
        inter = (p[g] * t[g]).sum()
        ratios.append((inter + 1) / (p[g].sum() + t[g].sum() - inter + 1))
    loss = SoftIoULoss(over)(logits, target)
    assert loss.item() == pytest.approx(1 - np.mean(ratios), abs=1e-6)


def test_soft_iou_of_a_perfect_prediction():
    _, target = batch()
    logits = (target.unsqueeze(1) * 2 - 1) * 50.0
    assert SoftIoULoss()(logits, target).item() == pytest.approx(0, abs=1e-6)


def naive_edge(t):
    height, width = t.shape
    edge = np.zeros_like(t, dtype=bool)
    for y in range(height):
        for x in range(width):
            for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
                ny, nx = y + dy, x + dx
                if 0 <= ny < height and 0 <= nx < width:
                    edge[y, x] |= t[ny, nx] != t[y, x]
    return edge


def test_edge_map_against_loops():
    _, target = batch()
    edge = edge_map(target.unsqueeze(1).float())
    for got, label in zip(edge[:, 0].numpy(), target.numpy(), strict=True):
        np.testing.assert_array_equal(got, naive_edge(label))


@pytest.mark.parametrize('form', ['released', 'intended'])
def test_edge_bce_against_numpy(form):
    logits, target = batch()
    z, t = logits.numpy()[:, 0], target.numpy()
    bce = np.log1p(np.exp(z)) - z * t
    if form == 'released':
        weight = np.full(t.shape, 4.0)
    else:
        weight = np.stack([1 + 3.0 * naive_edge(label) for label in t])
    values = np.sort((weight * bce).ravel())
    expected = values[len(values) // 2 :].mean()
    loss = EdgeBCELoss(form)(logits, target)
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_released_form_is_four_times_the_hard_half():
    logits, target = batch()
    plain = EdgeBCELoss(edge_weight=1.0)(logits, target)
    torch.testing.assert_close(EdgeBCELoss()(logits, target), 4 * plain)


@pytest.mark.parametrize('loss', [SoftIoULoss(), EdgeBCELoss()])
def test_ignored_pixels_change_nothing(loss):
    logits, target = batch()
    target[:, :4] = 255
    other = logits.clone()
    other[:, :, :4] = 37.0
    torch.testing.assert_close(loss(logits, target), loss(other, target))


def test_ignored_pixels_are_not_the_easy_half():
    logits, target = batch()
    logits.requires_grad_()
    loss = EdgeBCELoss()
    alone = loss(logits[:, :, 4:], target[:, 4:])
    target[:, :4] = 255
    assert torch.equal(loss(logits, target), alone)
    nothing = loss(logits, torch.full_like(target, 255))
    nothing.backward()
    assert nothing == 0 and not logits.grad.any()


@pytest.mark.parametrize('loss', [SoftIoULoss(), EdgeBCELoss()])
def test_half_precision_logits(loss):
    logits, target = batch()
    full = loss(logits.float(), target)
    half = loss((logits * 1).to(torch.bfloat16), target)
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, full, rtol=0.02, atol=0.02)


@pytest.mark.parametrize('loss', [SoftIoULoss(), EdgeBCELoss()])
def test_saturated_logits_have_finite_gradients(loss):
    _, target = batch()
    logits = torch.full((2, 1, 12, 9), 200.0, requires_grad=True)
    loss(logits, target).backward()
    assert torch.isfinite(logits.grad).all()


def test_bad_arguments():
    with pytest.raises(ValueError, match="form='best': give one of"):
        EdgeBCELoss(form='best')
    with pytest.raises(ValueError, match=r'\[0, 1\), got 1'):
        EdgeBCELoss(easy_ratio=1)
    with pytest.raises(ValueError, match="over='pixel': give one of"):
        SoftIoULoss(over='pixel')


@pytest.mark.parametrize('number', [1, 1000, 300_000])
@pytest.mark.parametrize('kind', ['noise', 'ties', 'constant', 'nan'])
def test_kth_smallest(kind, number):
    """NumPy orders NaN last, too."""
    values = torch.randn(number, generator=torch.Generator().manual_seed(0))
    if kind == 'ties':
        values = (3 * values).round()
    elif kind == 'constant':
        values = torch.ones(number)
    elif kind == 'nan':
        values[::3] = torch.nan
    for fraction in (0, 0.01, 0.5, 0.97, 1):
        index = int(fraction * (number - 1))
        expected = values.kthvalue(index + 1).values
        found = kth_smallest(values, index)
        torch.testing.assert_close(
            found, expected, rtol=0, atol=0, equal_nan=True
        )


def test_a_nan_is_not_left_out_as_easy():
    logits = torch.randn(1, 1, 8, 8)
    logits[0, 0, 3, 3] = torch.nan
    loss = EdgeBCELoss()(logits, torch.zeros(1, 8, 8, dtype=torch.long))
    assert torch.isnan(loss)
