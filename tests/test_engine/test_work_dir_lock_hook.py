"""Two trainings in one work dir: the second one is refused."""

import os
import signal

import pytest
from child_processes import lock_holder
from fault_training import tiny_config, train

from fdep_mm.engine import WorkDirLockHook


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock."""
    with lock_holder(tmp_path / 'train.lock') as process:
        yield process


def test_refused_while_it_runs_and_not_after_a_kill(tmp_path, holder):
    cfg = tiny_config(tmp_path, epochs=1)
    with pytest.raises(RuntimeError, match=f'process {holder.pid} on here'):
        train(cfg)
    assert not list(tmp_path.glob('*.pth'))

    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    train(tiny_config(tmp_path, epochs=1))
    assert (tmp_path / 'epoch_1.pth').is_file()
    assert (tmp_path / 'train.lock').read_text() == ''
    with lock_holder(tmp_path / 'train.lock'):
        pass  # another process gets it after that training


def test_a_test_takes_no_lock(tmp_path, holder):
    class Runner:
        _train_loop = dict(type='EpochBasedTrainLoop')
        _val_loop = None
        work_dir = str(tmp_path)

    hook = WorkDirLockHook()
    hook.before_run(Runner())
    hook.after_run(Runner())
