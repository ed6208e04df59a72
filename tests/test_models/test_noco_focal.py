"""Losses of soft maps against their formulas, element by element."""

from math import exp, log

import pytest
import torch

from fdep_mm.models.losses import NoCoFocalLoss, RegQualityFocalLoss
from fdep_mm.models.losses.noco_focal import noco_focal_loss


def naive(x: float, t: float, beta: float, alpha: float = 0.0) -> float:
    p = 1 / (1 + exp(-x))
    bce = -t * log(p) - (1 - t) * log(1 - p)
    return abs(p - t) ** beta * bce * exp(alpha * t)


def maps():
    return torch.randn(2, 1, 4, 5), torch.rand(2, 1, 4, 5)


@pytest.mark.parametrize(('alpha', 'beta'), [(0, 2), (5, 5)])
def test_noco_focal_loss(alpha, beta):
    logits, target = maps()
    loss = noco_focal_loss(logits, target, alpha, beta)
    expected = [
        naive(x, t, beta, alpha)
        for x, t in zip(
            logits.flatten().tolist(), target.flatten().tolist(), strict=True
        )
    ]
    torch.testing.assert_close(loss.flatten(), torch.tensor(expected))


@pytest.mark.parametrize('dtype', (torch.float16, torch.bfloat16))
def test_half_precision_logits_stay_finite(dtype):
    logits = torch.tensor([-60.0, 60.0], dtype=dtype)
    target = torch.tensor([1.0, 0.0])
    loss = noco_focal_loss(logits, target, 0, 2)
    torch.testing.assert_close(loss, torch.tensor([60.0, 60.0]))


def test_gradient_vanishes_at_the_target():
    target = torch.tensor([0.3, 0.7])
    logits = target.logit().requires_grad_()
    noco_focal_loss(logits, target, 0, 2).sum().backward()
    assert logits.grad.abs().max() < 1e-6


@pytest.mark.parametrize(
    ('cls', 'alpha', 'beta'),
    [(RegQualityFocalLoss, 0, 2), (NoCoFocalLoss, 5, 5)],
)
def test_classes_average_and_weight(cls, alpha, beta):
    logits, target = maps()
    one = cls()(logits, target)
    mean = noco_focal_loss(logits, target, alpha, beta).mean()
    torch.testing.assert_close(one, mean)
    torch.testing.assert_close(
        cls(loss_weight=1000.0)(logits, target), 1000 * one
    )
