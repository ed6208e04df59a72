"""One process at a time, by a locked file."""

import os
import socket
import time
import warnings
from pathlib import Path
from typing import TextIO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


class LockedError(RuntimeError):
    """Another process holds the lock."""


class FileLock:
    """A file that is locked (POSIX ``lockf``) and says who holds it.

    The lock ends with the process, however that ends; the empty file stays.
    Where the file or operating system has no locks, there is a warning.

    Example:
        >>> with FileLock('folder/write.lock'):
        ...     write('folder')
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._file: TextIO | None = None

    def take(self) -> None:
        """Take the lock; LockedError where another process holds it."""
        file = open(self.path, 'a+')
        try:
            _lock(file)
        except BlockingIOError as error:
            file.seek(0)
            owner = file.read().strip() or 'an unknown process'
            file.close()
            raise LockedError(
                f'{self.path.parent}: another process writes here, {owner}. '
                'Wait for it, end it, or give another folder'
            ) from error
        except OSError as error:
            file.close()
            warnings.warn(
                f'{self.path} cannot be locked ({error.strerror}): make sure '
                'that no other process writes here',
                stacklevel=2,
            )
            return
        file.truncate(0)
        since = time.strftime('%Y-%m-%d %H:%M:%S')
        file.write(
            f'process {os.getpid()} on {socket.gethostname()} since {since}\n'
        )
        file.flush()
        self._file = file

    def give_back(self) -> None:
        """Give the lock back, if it was taken."""
        if self._file is not None:
            self._file.truncate(0)
            self._file.close()
            self._file = None

    def __enter__(self) -> 'FileLock':
        self.take()
        return self

    def __exit__(self, *error) -> None:
        self.give_back()


def _lock(file: TextIO) -> None:
    if fcntl is None:
        raise OSError(0, 'this operating system has no such locks')
    try:
        # Not flock, which the package filelock takes: data loading workers
        # would inherit it and hold it for seconds after a killed run.
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except PermissionError as error:  # EACCES, what some systems say
        raise BlockingIOError(*error.args) from error
