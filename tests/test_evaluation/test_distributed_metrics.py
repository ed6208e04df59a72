"""Several processes with uneven shares give the numbers of one, to the bit."""

import pytest
from child_processes import run_ranks
from metric_samples import METRICS, evaluate, evaluate_rank


@pytest.fixture(scope='module', params=[2, 3])
def ranks(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp('ranks')
    for name in METRICS:  # write the masks
        evaluate(name, str(folder))
    return folder, run_ranks(evaluate_rank, request.param, folder)


@pytest.mark.parametrize('name', METRICS)
def test_uneven_shares(name, ranks):
    folder, found = ranks
    expected = evaluate(name, str(folder))
    assert sum(value > 0 for value in expected.values()) >= 2
    for rank in found:
        assert rank[name] == expected
