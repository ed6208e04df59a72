"""One process at a time, by a locked file."""

import os
import socket
import time
import warnings
from contextlib import ExitStack
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


class LockedError(RuntimeError):
    """Another process holds the lock."""


def take_lock(path: str | Path) -> ExitStack:
    """Lock a file (POSIX ``lockf``) and write into it who holds it.

    The lock ends with the process or when the returned stack is closed; the
    empty file stays. Where there are no locks, there is a warning.

    Raises:
        LockedError: Another process holds the lock.
    """
    path = Path(path)
    held = ExitStack()
    file = held.enter_context(open(path, 'a+'))
    try:
        if fcntl is None:
            raise OSError(0, 'this operating system has no such locks')
        # Not flock, which the package filelock takes: data loading workers
        # would inherit it and hold it for seconds after a killed run.
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError) as error:  # POSIX allows both
        file.seek(0)
        owner = file.read().strip() or 'an unknown process'
        held.close()
        raise LockedError(
            f'{path.parent}: another process writes here, {owner}. '
            'Wait for it, end it, or give another folder'
        ) from error
    except OSError as error:
        warnings.warn(
            f'{path} cannot be locked ({error.strerror}): make sure that no '
            'other process writes here',
            stacklevel=2,
        )
        return held
    since = time.strftime('%Y-%m-%d %H:%M:%S')
    owner = f'process {os.getpid()} on {socket.gethostname()} since {since}'
    file.truncate(0)
    print(owner, file=file, flush=True)
    held.callback(file.truncate, 0)
    return held
