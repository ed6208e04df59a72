"""Checkpoints that survive a kill, a full disk, and an interrupted epoch."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmengine.dist import barrier, is_main_process
from mmengine.fileio import BaseStorageBackend
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner

from fdep_mm.core.compat import checkpoint_name, is_resumed
from fdep_mm.core.files import NAME
from fdep_mm.core.whole import PART
from fdep_mm.registry import HOOKS


@HOOKS.register_module()
class SafeCheckpointHook(CheckpointHook):
    """MMEngine's checkpoints, of which there is always a whole one.

    Differs from MMEngine's hook in four points:

    - files are written by :class:`~fdep_mm.core.files.
      AtomicBackend`; what a killed run left of one is removed at the start;
    - an old checkpoint is removed after the new one is there, not before
      (with ``max_keep_ckpts=1`` there would be none for a while);
    - a checkpoint knows that a validation follows, and a resumed run makes up
      for it: no epoch is left out of the choice of the best. (Where the
      validation had ended without a new best, it is repeated.)
    - a ``last_checkpoint`` that is missing, empty or names a missing file is
      mended before MMEngine reads it: ``--resume`` goes on from the newest
      epoch there is, and starts anew where there is none.

    Args:
        backend_args (dict, optional): File backend of the checkpoints.
            Defaults to None, atomic writes on the local disk, unless
            ``out_dir`` is a URL.
        **kwargs: Arguments of :class:`mmengine.hooks.CheckpointHook`.

    Example:
        >>> default_hooks = dict(checkpoint=dict(
        ...     type='fdep_mm.SafeCheckpointHook', interval=10,
        ...     max_keep_ckpts=1, save_best='sirst/IoU', rule='greater'))
    """

    def __init__(self, backend_args: dict | None = None, **kwargs) -> None:
        remote = '://' in str(kwargs.get('out_dir') or '')
        if backend_args is None and not remote:
            backend_args = dict(backend=NAME)
        super().__init__(backend_args=backend_args, **kwargs)

    def before_run(self, runner: Runner) -> None:
        """Mend ``last_checkpoint`` before it is read."""
        if not is_resumed(runner) or checkpoint_name(runner) is not None:
            return
        if is_main_process():
            self._mend(runner)
        barrier()

    def _mend(self, runner: Runner) -> None:
        record = Path(runner.work_dir, 'last_checkpoint')
        named = record.read_text().strip() if record.is_file() else ''
        if '://' in named or (named and Path(named).exists()):
            return
        problem = f'names {named}, which is gone' if named else 'is missing'
        folder = self._folder(runner)
        newest = folder and newest_checkpoint(folder, self.filename_tmpl)
        if newest:
            record.write_text(str(newest))
            way_out = f'going on from {newest}'
        else:
            record.unlink(missing_ok=True)
            way_out = (
                f'starting from scratch, as {folder or self.out_dir} has no '
                f'{self.filename_tmpl.format("*")}'
            )
        runner.logger.warning(f'--resume: {record} {problem}; {way_out}')

    def _folder(self, runner: Runner) -> Path | None:
        """Where checkpoints are before MMEngine sets it; None if remote."""
        if self.out_dir in (None, runner.work_dir):
            return Path(runner.work_dir)
        if '://' in str(self.out_dir):
            return None
        # what CheckpointHook.before_train makes of it
        return Path(self.out_dir, Path(runner.work_dir).name)

    def before_train(self, runner: Runner) -> None:
        """Clear up, and make up for a validation that was interrupted."""
        super().before_train(runner)
        if is_main_process() and '://' not in str(self.out_dir):
            for part in Path(self.out_dir).glob(f'*.pth{PART}'):
                part.unlink()
                runner.logger.warning(
                    f'{part}: removed, a checkpoint half written when the '
                    'run before was stopped'
                )
        info = runner.message_hub.runtime_info
        if info.get('is_validation_due') and runner.val_loop is not None:
            runner.logger.info(
                f'Validating epoch {runner.epoch}: its checkpoint was saved '
                'before that'
            )
            runner.val_loop.run()

    def after_train_epoch(self, runner: Runner) -> None:
        """Save a checkpoint, with a note that validation follows."""
        runner.message_hub.update_info('is_validation_due', _validates(runner))
        super().after_train_epoch(runner)

    def after_val_epoch(self, runner: Runner, metrics: dict) -> None:
        """Save the best checkpoint, and again the last one, which knows it."""
        runner.message_hub.update_info('is_validation_due', False)
        super().after_val_epoch(runner, metrics)

    def _save_checkpoint_with_step(
        self, runner: Runner, step: int, meta: dict
    ) -> None:
        with self._removing_later():
            super()._save_checkpoint_with_step(runner, step, meta)

    def _save_best_checkpoint(self, runner: Runner, metrics: dict) -> None:
        with self._removing_later():
            super()._save_best_checkpoint(runner, metrics)

    @contextmanager
    def _removing_later(self) -> Iterator[None]:
        """Remove old checkpoints if saving the new one succeeds."""
        backend = self.file_backend
        self.file_backend = waiting = _RemovingLater(backend)
        try:
            yield
        finally:
            self.file_backend = backend
        for remove, path in waiting.removals:
            remove(path)


def newest_checkpoint(folder: Path, template: str) -> Path | None:
    """Find the checkpoint of the last epoch or iteration.

    By the number in its name: copying a folder changes the times.
    """
    pattern = re.escape(template).replace(r'\{\}', r'(\d+)')
    found = {}
    for path in folder.glob('*'):
        match = re.fullmatch(pattern, path.name)
        if match:
            found[int(match[1])] = path
    return found[max(found)] if found else None


class _RemovingLater:
    """What the hook needs of a file backend; removals are only noted."""

    def __init__(self, backend: BaseStorageBackend) -> None:
        self.join_path = backend.join_path
        self.isfile = backend.isfile
        self.isdir = backend.isdir
        self._backend = backend
        self.removals: list[tuple] = []

    def remove(self, path: str) -> None:
        self.removals.append((self._backend.remove, path))

    def rmtree(self, path: str) -> None:
        self.removals.append((self._backend.rmtree, path))


def _validates(runner: Runner) -> bool:
    """Whether the loop validates after the epoch that ends now."""
    loop, epoch = runner.train_loop, runner.epoch + 1
    return (
        runner.val_loop is not None
        and epoch >= loop.val_begin
        and (epoch % loop.val_interval == 0 or epoch == loop.max_epochs)
    )
