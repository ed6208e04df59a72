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
    """MMEngine's local disk; a killed process leaves the old file whole."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write a file by :func:`.write_whole`."""
        write_whole(filepath, obj, 'go on with --resume')


register_backend(BACKEND, AtomicBackend, force=True)


@HOOKS.register_module()
class SafeCheckpointHook(CheckpointHook):
    """MMEngine's checkpoints; after the first, a complete one always exists.

    - Files are written whole or not at all; what a killed run left is removed.
    - An old checkpoint is removed after the new one is written, not before.
    - A resumed run makes up for a validation that its checkpoint was waiting
      for: no epoch is left out of the choice of the best.
    - ``--resume`` finds the newest epoch where ``last_checkpoint`` is missing,
      empty or names a missing file, or starts from scratch.

    Args:
        backend_args (dict, optional): MMEngine's file backend. Defaults to
            None: atomic writes to the local disk, unless ``out_dir`` is a URL.
        **kwargs: Arguments of :class:`mmengine.hooks.CheckpointHook`.
    """

    def __init__(self, backend_args: dict | None = None, **kwargs) -> None:
        if backend_args is None and not _is_url(kwargs.get('out_dir')):
            backend_args = dict(backend=BACKEND)
        super().__init__(backend_args=backend_args, **kwargs)

    def before_run(self, runner: Runner) -> None:
        """Repair ``last_checkpoint`` before it is read."""
        if not is_resumed(runner) or checkpoint_name(runner) is not None:
            return
        if is_main_process():
            self._repair(runner)
        barrier()

    def _repair(self, runner: Runner) -> None:
        record = Path(runner.work_dir, 'last_checkpoint')
        named = record.read_text().strip() if record.is_file() else ''
        if _is_url(named) or (named and Path(named).exists()):
            return
        folder = runner.work_dir
        if self.out_dir not in (None, folder):
            # what CheckpointHook.before_train makes of it
            folder = f'{self.out_dir}/{Path(folder).name}'
        # a folder of that name is not there, if it is a URL
        if newest := newest_checkpoint(Path(folder), self.filename_tmpl):
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
        if is_main_process():
            for part in Path(self.out_dir).glob(f'*.pth{PART}'):
                part.unlink()
                runner.logger.warning(
                    f'{part}: removed, half written when the last run stopped'
                )
        info = runner.message_hub.runtime_info
        if info.get('is_validation_due') and runner.val_loop is not None:
            text = f'Validating epoch {runner.epoch}: the last run did not'
            runner.logger.info(text)
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
        for name in ('remove', 'rmtree'):
            if hasattr(backend, name):
                later = partial(removals.callback, getattr(backend, name))
                setattr(self.file_backend, name, later)
        try:
            yield
        finally:
            self.file_backend = backend
        removals.close()


def newest_checkpoint(folder: Path, template: str) -> Path | None:
    """Checkpoint with the highest number; copying a folder changes times."""
    pattern = re.escape(template).replace(r'\{\}', r'(\d+)')
    found = {}
    for path in folder.glob('*'):
        if match := re.fullmatch(pattern, path.name):
            found[int(match[1])] = path
    return found[max(found)] if found else None


def _is_url(path: str | None) -> bool:
    return '://' in str(path)
