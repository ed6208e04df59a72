"""One training at a time in a work dir."""

import os
import socket
import time
from pathlib import Path
from typing import TextIO

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import BaseLoop, Runner

from fdep_mm.registry import HOOKS

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

FILE = 'train.lock'


@HOOKS.register_module()
class WorkDirLockHook(Hook):
    """Refuses to train where another process trains.

    Two runs would overwrite and remove each other's checkpoints. The file
    ``train.lock`` in the work dir is locked (POSIX ``lockf``) and says who
    holds it; the operating system gives the lock back when the process ends,
    however it ends, so there is no stale one. Tests and validations take no
    lock. Where the file system or the operating system has no locks, a
    warning is logged.

    Raises:
        RuntimeError: Another process holds the lock.

    Example:
        >>> default_hooks = dict(lock=dict(type='fdep_mm.WorkDirLockHook'))
    """

    priority = 'VERY_HIGH'

    def __init__(self) -> None:
        self._file: TextIO | None = None

    def before_run(self, runner: Runner) -> None:
        """Take the lock.

        Args:
            runner (Runner): The running one.
        """
        # a test has built no training loop; train_loop would build it
        training = isinstance(runner._train_loop, BaseLoop)
        if not training or not is_main_process() or self._file is not None:
            return
        path = Path(runner.work_dir, FILE)
        file = open(path, 'a+')
        try:
            _lock(file)
        except BlockingIOError as error:
            file.seek(0)
            owner = file.read().strip() or 'an unknown process'
            file.close()
            raise RuntimeError(
                f'{runner.work_dir}: another training writes here, {owner}. '
                'Wait for it, end it, or give another --work-dir'
            ) from error
        except OSError as error:
            file.close()
            runner.logger.warning(
                f'{path} cannot be locked ({error.strerror}): make sure that '
                'no other training writes here'
            )
            return
        file.truncate(0)
        since = time.strftime('%Y-%m-%d %H:%M:%S')
        file.write(
            f'process {os.getpid()} on {socket.gethostname()} since {since}\n'
        )
        file.flush()
        self._file = file

    def after_run(self, runner: Runner) -> None:
        """Give the lock back.

        Args:
            runner (Runner): Not used.
        """
        if self._file is not None:
            self._file.truncate(0)
            self._file.close()
            self._file = None


def _lock(file: TextIO) -> None:
    if fcntl is None:
        raise OSError(0, 'this operating system has no such locks')
    try:
        # Not flock: data loading workers would inherit it and hold it for
        # seconds after a killed run.
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except PermissionError as error:  # EACCES, what some systems say
        raise BlockingIOError(*error.args) from error
