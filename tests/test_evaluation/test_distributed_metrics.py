"""Several processes with uneven shares give the numbers of one, to the bit."""

import time

import pytest
import torch
import torch.multiprocessing as mp
from metric_samples import METRICS, evaluate, evaluate_rank


@pytest.fixture(scope='module', params=[2, 3])
def ranks(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp('ranks')
    for name in METRICS:  # write the masks
        evaluate(name, str(folder))
    mp.get_context('forkserver').set_forkserver_preload(['metric_samples'])
    context = mp.start_processes(
        *(evaluate_rank, (request.param, str(folder)), request.param),
        join=False,
        start_method='forkserver',
    )
    deadline = time.monotonic() + 300
    try:
        while not context.join(timeout=5):
            assert time.monotonic() < deadline, 'the processes hang'
    finally:
        for process in context.processes:
            process.kill()
    files = [folder / f'{rank}.pt' for rank in range(request.param)]
    return folder, [torch.load(file, weights_only=False) for file in files]


@pytest.mark.parametrize('name', METRICS)
def test_uneven_shares(name, ranks):
    folder, found = ranks
    expected = evaluate(name, str(folder))
    assert sum(value > 0 for value in expected.values()) >= 2
    for rank in found:
        assert rank[name] == expected
