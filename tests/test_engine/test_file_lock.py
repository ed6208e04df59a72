"""The lock where another process holds it, and where there are no locks."""

import errno
import os

import pytest

from fdep_mm.core import lock
from fdep_mm.core.lock import FileLock, LockedError

NO_LOCKS = os.strerror(errno.ENOLCK)


@pytest.fixture
def warnings(monkeypatch):
    """Lines that are logged."""
    lines = []
    monkeypatch.setattr(lock, 'print_log', lambda line, *_: lines.append(line))
    return lines


@pytest.fixture
def refuse(monkeypatch):
    """A function: the operating system answers with this error."""

    def set_answer(number):
        def lockf(file, how):
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(lock.fcntl, 'lockf', lockf)

    return set_answer


@pytest.mark.parametrize('number', [errno.EACCES, errno.EAGAIN])
def test_held_by_another_process(tmp_path, refuse, warnings, number):
    """POSIX allows both answers."""
    refuse(number)
    path = tmp_path / 'write.lock'
    with pytest.raises(LockedError, match='writes here, an unknown process'):
        FileLock(path).take()
    path.write_text('process 7 on here since today\n')
    with pytest.raises(LockedError, match='writes here, process 7 on here s'):
        FileLock(path).take()
    assert path.read_text() == 'process 7 on here since today\n'
    assert not warnings


def test_a_file_system_without_locks(tmp_path, refuse, warnings):
    refuse(errno.ENOLCK)
    path = tmp_path / 'write.lock'
    with FileLock(path):
        (line,) = warnings
        assert path.read_text() == ''
    assert line.startswith(f'{path} cannot be locked ({NO_LOCKS})')
    assert 'make sure that no other process writes here' in line


def test_an_operating_system_without_locks(tmp_path, monkeypatch, warnings):
    monkeypatch.setattr(lock, 'fcntl', None)
    with FileLock(tmp_path / 'write.lock'):
        (line,) = warnings
    assert '(this operating system has no such locks)' in line
