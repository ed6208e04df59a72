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


def take_lock(path: str | Path) -> TextIO:
    """Lock a file (POSIX ``lockf``) and write into it who holds it.

    The operating system releases the lock when the file is closed or the
    process ends, however it ends: there are no stale locks. Where the file
    system or the operating system has none, there is a warning.

    Returns:
        TextIO: The file, to be closed when the work is done.

    Raises:
        LockedError: Another process holds the lock.

    Example:
        >>> with take_lock('folder/write.lock'):
        ...     write('folder')
    """
    path = Path(path)
    file = open(path, 'a+')
    try:
        if fcntl is None:
            raise OSError(0, 'this operating system has no such locks')
        # Not flock, which the package filelock takes: data loading workers
        # would inherit it and hold it for seconds after a killed run.
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError) as error:  # POSIX allows both
        file.seek(0)
        owner = file.read().strip() or 'an unknown process'
        file.close()
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
        return file
    since = time.strftime('%Y-%m-%d %H:%M:%S')
    owner = f'process {os.getpid()} on {socket.gethostname()} since {since}'
    file.truncate(0)
    print(owner, file=file, flush=True)
    return file
