"""Two processes learn what one learns from the same global batch.

Batch norms and EdgeBCELoss (the harder half of the pixels of a process's
batch) are not sums over images, so what is compared is said for each case:

- BN in evaluation mode or synchronized, and a loss that is a mean over
  images: the step on the whole batch;
- BN and loss of each process: the mean of the gradients of the two halves.

torch.nn.SyncBatchNorm refuses CPUs; distributed_steps.GlobalBatchNorm stands
for it.
"""

import pytest
import torch
from child_processes import run_ranks
from distributed_steps import (
    CASES,
    losses_of,
    make_model,
    one_process,
    run_rank,
    shard,
)
from mmengine.model import convert_sync_batchnorm, revert_sync_batchnorm
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from fdep_mm.models.two_passes import kept_statistics


@pytest.fixture(scope='module')
def ranks(tmp_path_factory):
    return run_ranks(run_rank, 2, tmp_path_factory.mktemp('ranks'))


@pytest.mark.parametrize('case', CASES)
def test_two_processes_equal_one(case, ranks):
    expected = one_process(case)
    found = [rank[case] for rank in ranks]
    for step in range(2):
        losses = [
            _mean([part for at, part in result['losses'] if at == step])
            for result in (expected, *found)
        ]
        assert losses[0].keys() == losses[1].keys()
        for key, value in losses[0].items():
            both = (losses[1][key] + losses[2][key]) / 2
            assert both == pytest.approx(value, rel=1e-5), key
    for name in ('grads', 'weights'):
        for key, value in expected[name].items():
            assert torch.equal(found[0][name][key], found[1][name][key])
            _assert_close(found[0][name][key], value, f'{name} {key}')


@pytest.mark.parametrize('case', [c for c in CASES if 'evaluation' not in c])
def test_running_statistics(case, ranks):
    """Of the global batch if synchronized, else of the own images."""
    expected = one_process(case)['buffers']
    for rank, result in enumerate(ranks):
        for key, value in expected[rank % len(expected)].items():
            _assert_close(result[case]['buffers'][0][key], value, key)


def test_the_halves_differ(ranks):
    """Or the comparisons above would show nothing."""
    for case, (_, _, norms) in CASES.items():
        one, other = (rank[case] for rank in ranks)
        assert one['losses'] != other['losses']
        same = all(
            torch.equal(value, other['buffers'][0][key])
            for key, value in one['buffers'][0].items()
        )
        assert same == (norms != 'own'), case


def test_sync_bn():
    """``sync_bn='torch'`` reaches all norms; one process takes it back."""
    case = 'FDEP, BN synchronized'
    before = one_process(case)['losses']
    model = make_model(case)
    norms = sum(isinstance(m, _BatchNorm) for m in model.modules())
    model = convert_sync_batchnorm(model, 'torch')
    synced = [m for m in model.modules() if isinstance(m, nn.SyncBatchNorm)]
    assert len(synced) == norms > 0
    with kept_statistics(model):
        assert {norm.momentum for norm in synced} == {0}
    assert {norm.momentum for norm in synced} == {0.1}
    model = revert_sync_batchnorm(model)
    assert losses_of(model, shard(0, 1, 0))[1] == before[0][1]


def _mean(losses):
    return {
        key: sum(d[key] for d in losses) / len(losses) for key in losses[0]
    }


def _assert_close(found, expected, name):
    # sums in another order; of the largest value, as some are nearly zero
    scale = expected.double().abs().max()
    error = (found.double() - expected.double()).abs().max()
    assert error <= 1e-4 * scale + 1e-7, f'{name}: {error} of {scale}'
