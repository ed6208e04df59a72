"""One training at a time in a work dir."""

from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from fdep_mm.core.compat import built_loops
from fdep_mm.core.lock import FileLock
from fdep_mm.registry import HOOKS

FILE = 'train.lock'


@HOOKS.register_module()
class WorkDirLockHook(Hook):
    """Refuses to train where another process trains.

    Two runs would overwrite and remove each other's checkpoints. The file
    ``train.lock`` in the work dir is locked, see
    :class:`~fdep_mm.core.lock.FileLock`. Tests and validations take no
    lock.

    Raises:
        LockedError: Another process holds the lock.

    Example:
        >>> default_hooks = dict(lock=dict(type='fdep_mm.WorkDirLockHook'))
    """

    priority = 'VERY_HIGH'

    def __init__(self) -> None:
        self._lock: FileLock | None = None

    def before_run(self, runner: Runner) -> None:
        """Take the lock."""
        training = 'training' in built_loops(runner)
        if training and is_main_process() and self._lock is None:
            lock = FileLock(Path(runner.work_dir, FILE))
            lock.take()
            self._lock = lock

    def after_run(self, runner: Runner) -> None:
        """Give the lock back."""
        if self._lock is not None:
            self._lock.give_back()
            self._lock = None
