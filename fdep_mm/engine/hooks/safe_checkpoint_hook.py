"""Checkpoints that survive a kill, a full disk, and an interrupted epoch."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from copy import copy
from functools import partial
from pathlib import Path

from mmengine.dist import barrier, is_main_process
from mmengine.fileio import LocalBackend, register_backend
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner

from fdep_mm.core.compat import checkpoint_name, is_resumed
from fdep_mm.core.whole import PART, write_whole
from fdep_mm.registry import HOOKS

BACKEND = 'fdep_mm.atomic'


class AtomicBackend(LocalBackend):
    """MMEngine's file backend of the local disk, with atomic writes.

    See :func:`fdep_mm.core.whole.write_whole`. A process that is killed
    leaves the old file, and perhaps a ``.part`` file.

    Example:
        >>> checkpoint = dict(
        ...     type='CheckpointHook',
        ...     backend_args=dict(backend='fdep_mm.atomic'))
    """

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write a file."""
        write_whole(filepath, obj, 'go on with --resume')


register_backend(BACKEND, AtomicBackend, force=True)


@HOOKS.register_module()
class SafeCheckpointHook(CheckpointHook):
    """MMEngine's checkpoints; after the first, a complete one always exists.

    Differs from MMEngine's hook in four points:

    - files are written by :class:`AtomicBackend`; what a killed run left of
      one is removed at the start;
    - an old checkpoint is removed after the new one is written, not before
      (with ``max_keep_ckpts=1`` there would be none for a while);
    - a checkpoint notes that a validation is due, and a resumed run makes up
      for it: no epoch is left out of the choice of the best;
    - a ``last_checkpoint`` that is missing, empty or names a missing file is
      repaired before MMEngine reads it: ``--resume`` continues from the
      newest epoch, or starts from scratch where there is none.

    Args:
        backend_args (dict, optional): File backend of the checkpoints.
            Defaults to None, atomic writes on the local disk, unless
            ``out_dir`` is a URL.
        **kwargs: Arguments of :class:`mmengine.hooks.CheckpointHook`.
    """

    def __init__(self, backend_args: dict | None = None, **kwargs) -> None:
        if backend_args is None and not _is_url(kwargs.get('out_dir')):
            backend_args = dict(backend=BACKEND)
        super().__init__(backend_args=backend_args, **kwargs)

    def before_run(self, runner: Runner) -> None:
        """Repair ``last_checkpoint`` before it is read."""
        if is_resumed(runner) and checkpoint_name(runner) is None:
            if is_main_process():
                self._repair(runner)
            barrier()

    def _repair(self, runner: Runner) -> None:
        record = Path(runner.work_dir, 'last_checkpoint')
        named = record.read_text().strip() if record.is_file() else ''
        if _is_url(named) or (named and Path(named).exists()):
            return
        folder, newest = runner.work_dir, None
        if self.out_dir not in (None, folder):
            # what CheckpointHook.before_train makes of it
            folder = f'{self.out_dir}/{Path(folder).name}'
        if not _is_url(folder):
            newest = newest_checkpoint(Path(folder), self.filename_tmpl)
        if newest:
            record.write_text(str(newest))
            way_out = f'going on from {newest}'
        else:
            record.unlink(missing_ok=True)
            names = self.filename_tmpl.format('*')
            way_out = f'starting from scratch, as {folder} has no {names}'
        problem = f'names {named}, which is gone' if named else 'is missing'
        runner.logger.warning(f'--resume: {record} {problem}; {way_out}')

    def before_train(self, runner: Runner) -> None:
        """Clean up, and make up for a validation that was interrupted."""
        super().before_train(runner)
        if is_main_process() and not _is_url(self.out_dir):
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
        """Save a checkpoint, with a note whether a validation follows."""
        loop, epoch = runner.train_loop, runner.epoch + 1
        due = (
            runner.val_loop is not None
            and epoch >= loop.val_begin
            and (epoch % loop.val_interval == 0 or epoch == loop.max_epochs)
        )
        runner.message_hub.update_info('is_validation_due', due)
        with self._removing_later():
            super().after_train_epoch(runner)

    def after_train_iter(self, runner: Runner, *args, **kwargs) -> None:
        """Save a checkpoint, if they are counted by iterations."""
        with self._removing_later():
            super().after_train_iter(runner, *args, **kwargs)

    def after_val_epoch(self, runner: Runner, metrics: dict) -> None:
        """Save the best checkpoint, and again the last one, which knows it."""
        runner.message_hub.update_info('is_validation_due', False)
        with self._removing_later():
            super().after_val_epoch(runner, metrics)

    @contextmanager
    def _removing_later(self) -> Iterator[None]:
        """Remove old checkpoints if saving the new one succeeds."""
        backend, removals = self.file_backend, ExitStack()
        self.file_backend = copy(backend)
        for name in {'remove', 'rmtree'} & {*dir(backend)}:
            later = partial(removals.callback, getattr(backend, name))
            setattr(self.file_backend, name, later)
        try:
            yield
        finally:
            self.file_backend = backend
        removals.close()


def newest_checkpoint(folder: Path, template: str) -> Path | None:
    """Find the checkpoint of the last epoch or iteration.

    By the number in its name: copying a folder changes the times.
    """
    pattern = re.escape(template).replace(r'\{\}', r'(\d+)')
    found = {}
    for path in folder.glob('*'):
        if match := re.fullmatch(pattern, path.name):
            found[int(match[1])] = path
    return found[max(found)] if found else None


def _is_url(path: str | None) -> bool:
    return '://' in str(path)
