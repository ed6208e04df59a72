"""Several processes with uneven shares give the numbers of one, to the bit."""

import pytest
from child_processes import run_ranks
from metric_samples import METRICS, NUM, evaluate, evaluate_rank

CASES = {  # processes, images, whether some are repeated to even the shares
    '4 and 3, one twice': (2, NUM, True),
    '3, 2 and 2, two twice': (3, NUM, True),
    '4 and 3': (2, NUM, False),
    '3, 2 and 2': (3, NUM, False),
    '1, 1 and none': (3, 2, False),
}


@pytest.fixture(scope='module', params=CASES)
def ranks(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp('ranks')
    world, num, round_up = CASES[request.param]
    for name in METRICS:  # write the masks
        evaluate(name, str(folder))
    found = run_ranks(evaluate_rank, world, folder, num, round_up)
    return folder, num, found


@pytest.mark.parametrize('name', METRICS)
def test_uneven_shares(name, ranks):
    folder, num, found = ranks
    expected = evaluate(name, str(folder), num)
    assert sum(value > 0 for value in expected.values()) >= 2
    for rank in found:
        assert rank[name] == expected
