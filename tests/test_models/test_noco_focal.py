"""The loss of soft maps against its formula, element by element."""

from math import exp, log

import pytest
import torch

from fdep_mm.models.losses import RegQualityFocalLoss


def naive(x: float, t: float, beta: float) -> float:
    p = 1 / (1 + exp(-x))
    bce = -t * log(p) - (1 - t) * log(1 - p)
    return abs(p - t) ** beta * bce


@pytest.mark.parametrize('beta', [2, 5])
def test_against_the_formula(beta):
    logits, target = torch.randn(2, 1, 4, 5), torch.rand(2, 1, 4, 5)
    loss = RegQualityFocalLoss(beta)
    values = logits.flatten().tolist(), target.flatten().tolist()
    expected = [naive(x, t, beta) for x, t in zip(*values, strict=True)]
    for x, t, one in zip(
        logits.flatten(), target.flatten(), expected, strict=True
    ):
        torch.testing.assert_close(loss(x, t), torch.tensor(one))
    mean = sum(expected) / len(expected)
    torch.testing.assert_close(loss(logits, target), torch.tensor(mean))


@pytest.mark.parametrize('dtype', (torch.float16, torch.bfloat16))
def test_half_precision_logits_stay_finite(dtype):
    logits = torch.tensor([-60.0, 60.0], dtype=dtype)
    target = torch.tensor([1.0, 0.0])
    loss = RegQualityFocalLoss()(logits, target)
    torch.testing.assert_close(loss, torch.tensor(60.0))


def test_gradient_vanishes_at_the_target():
    target = torch.tensor([0.3, 0.7])
    logits = target.logit().requires_grad_()
    RegQualityFocalLoss()(logits, target).backward()
    assert logits.grad.abs().max() < 1e-6


def test_weight():
    logits, target = torch.randn(2, 1, 4, 5), torch.rand(2, 1, 4, 5)
    one = RegQualityFocalLoss()(logits, target)
    weighted = RegQualityFocalLoss(loss_weight=1000.0)(logits, target)
    torch.testing.assert_close(weighted, 1000 * one)
