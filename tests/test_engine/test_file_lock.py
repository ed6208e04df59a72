"""The lock where another process holds it, and where there are no locks."""

import errno
import os

import pytest

from fdep_mm.core import lock
from fdep_mm.core.lock import LockedError, take_lock

NO_LOCKS = os.strerror(errno.ENOLCK)


@pytest.fixture
def refuse(monkeypatch):
    """A function: the operating system answers with this error."""

    def set_answer(number):
        def lockf(file, how):
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(lock.fcntl, 'lockf', lockf)

    return set_answer


@pytest.mark.parametrize('number', [errno.EACCES, errno.EAGAIN])
def test_held_by_another_process(tmp_path, refuse, number):
    """POSIX allows both answers."""
    refuse(number)
    path = tmp_path / 'write.lock'
    with pytest.raises(LockedError, match='writes here, an unknown process'):
        take_lock(path)
    path.write_text('process 7 on here since today\n')
    with pytest.raises(LockedError, match='writes here, process 7 on here s'):
        take_lock(path)
    assert path.read_text() == 'process 7 on here since today\n'


def test_a_file_system_without_locks(tmp_path, refuse):
    refuse(errno.ENOLCK)
    path = tmp_path / 'write.lock'
    words = f'cannot be locked .{NO_LOCKS}.: make sure that no other process'
    with pytest.warns(UserWarning, match=words), take_lock(path):
        assert path.read_text() == ''


def test_an_operating_system_without_locks(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, 'fcntl', None)
    with pytest.warns(UserWarning, match='system has no such locks'):
        take_lock(tmp_path / 'write.lock')
