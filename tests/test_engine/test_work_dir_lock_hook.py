"""Two trainings in one work dir: the second one is refused."""

import os
import signal
import subprocess
import sys

import pytest
from fault_training import tiny_config, train

from fdep_mm.engine import WorkDirLockHook

HOLDER = """
import fcntl, os, sys, time
file = open(sys.argv[1], 'a+')
fcntl.lockf(file, fcntl.LOCK_EX)
file.truncate(0)
file.write(f'process {os.getpid()} on here since today')
file.flush()
print('locked', flush=True)
time.sleep(100)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock."""
    process = subprocess.Popen(
        [sys.executable, '-c', HOLDER, str(tmp_path / 'train.lock')],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == 'locked\n'
    yield process
    process.kill()
    process.wait()


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


def test_a_test_takes_no_lock(tmp_path, holder):
    class Runner:
        _train_loop = dict(type='EpochBasedTrainLoop')
        work_dir = str(tmp_path)

    hook = WorkDirLockHook()
    hook.before_run(Runner())
    hook.after_run(Runner())
