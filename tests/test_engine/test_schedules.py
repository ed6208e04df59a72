"""The schedule follows the length of the run, or the run is refused."""

import pytest
import torch
from fault_training import tiny_config, train
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.runner import BaseLoop, Runner


def rates(repo, epochs: int, iters: int = 10) -> list[float]:
    """Learning rate of each step, as a Runner builds the schedule."""
    cfg = Config.fromfile(repo / 'configs/_base_/schedules/adamw_cos_100e.py')
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], 1e-3)
    runner = Runner.__new__(Runner)
    runner.logger = MMLogger.get_current_instance()
    runner._train_loop = type(
        'Loop',
        (BaseLoop,),
        dict(
            max_epochs=epochs,
            max_iters=epochs * iters,
            dataloader=range(iters),
            run=None,
            __init__=lambda self: None,
        ),
    )()
    schedulers = [
        runner._build_param_scheduler(dict(c), optimizer)[0]
        for c in cfg.param_scheduler
    ]
    found = []
    for _ in range(epochs * iters):
        found.append(optimizer.param_groups[0]['lr'])
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
    return found


@pytest.mark.parametrize('epochs', [10, 30, 100, 400])
def test_warm_up_and_a_cosine_that_ends_with_the_run(repo, epochs):
    found = rates(repo, epochs)
    assert found[0] == pytest.approx(1e-4)
    assert 5e-4 < max(found) <= 1e-3
    assert found.index(max(found)) <= 50
    assert found[-1] == pytest.approx(1e-5, rel=0.15)
    assert found[len(found) * 3 // 4] > 1e-4  # not low before its time


def test_runs_shorter_than_the_warm_up(repo):
    assert all(0 < rate < 1e-3 for rate in rates(repo, 1))


def test_a_longer_run_is_not_resumed_at_the_end_of_its_schedule(tmp_path):
    train(tiny_config(tmp_path, epochs=1))
    cfg = tiny_config(tmp_path, epochs=2)
    with pytest.raises(ValueError, match='ended after 2 iterations.*max_ep'):
        train(cfg, resume=True)
