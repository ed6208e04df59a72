"""One training at a time in a work dir."""

from contextlib import ExitStack
from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from fdep_mm.core.compat import built_loops
from fdep_mm.core.lock import take_lock
from fdep_mm.registry import HOOKS

FILE = 'train.lock'


@HOOKS.register_module()
class WorkDirLockHook(Hook):
    """Locks ``train.lock`` in the work dir for the time of a training.

    Two runs would overwrite and remove each other's checkpoints: the second
    one gets a LockedError.
    """

    priority = 'VERY_HIGH'
    _lock: ExitStack | None = None

    def before_run(self, runner: Runner) -> None:
        """Take the lock; tests and validations need none."""
        training = 'training' in built_loops(runner)
        if training and is_main_process() and self._lock is None:
            self._lock = take_lock(Path(runner.work_dir, FILE))

    def after_run(self, runner: Runner) -> None:
        """Give the lock back."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None
