"""Runs the cells of a study, each in a process of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from threading import Event

from fdep_mm.core.lock import LockedError, take_lock
from fdep_mm.core.whole import write_json_whole
from fdep_mm.engine.hooks.result_writer import RESULT
from fdep_mm.engine.hooks.safe_checkpoint_hook import newest_checkpoint
from fdep_mm.engine.hooks.work_dir_lock_hook import FILE as TRAIN_LOCK

from .plan import Cell
from .results import (
    CURVE,
    SETTINGS,
    check_settings,
    read_validations,
    settings_of,
)

LOCK = 'study.lock'
TEMPLATES = ('epoch_{}.pth', 'iter_{}.pth')
LOG_LINES = 12
WAY_OUT = 'start again'
# glibc returns the memory of large tensors after each use. The page faults of
# the next use took 28 % of the CPU time of FDEP with ACM on one machine, and
# none where freed memory is kept. Other C libraries ignore this.
KEEP_MEMORY = (
    'glibc.malloc.hugetlb=1:glibc.malloc.mmap_max=0:'
    'glibc.malloc.trim_threshold=34359738368:glibc.malloc.top_pad=268435456'
)
THREADS = ('OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OPENBLAS_NUM_THREADS')


class CellError(RuntimeError):
    """A cell has failed; the message says how."""


class Stopped(RuntimeError):
    """The study was stopped while a cell ran."""


class StudyRunner:
    """Runs or resumes the cells that have no ``result.json`` yet.

    Cells are folders of `work_dir`; `tools` has ``train.py`` and ``test.py``.
    """

    def __init__(self, work_dir: Path, tools: Path, threads: int) -> None:
        self.work_dir = work_dir
        self.tools = tools
        self.variables = dict.fromkeys(THREADS, str(threads))
        if 'GLIBC_TUNABLES' not in os.environ:
            self.variables['GLIBC_TUNABLES'] = KEEP_MEMORY
        self._stop = Event()

    def run(
        self,
        jobs: list[list[Cell]],
        num: int,
        report: Callable[[Cell, str], None],
    ) -> None:
        """Run `num` jobs at a time; Ctrl-C and SIGTERM end all processes.

        `report` gets, from several threads, a cell and 'start', 'done',
        'elsewhere' (another study runs it) or what has failed.
        """
        old = signal.signal(signal.SIGTERM, signal.default_int_handler)
        pool = ThreadPoolExecutor(num)
        try:
            futures = [pool.submit(self._run_job, job, report) for job in jobs]
            for future in as_completed(futures):
                future.result()
        finally:
            self._stop.set()
            pool.shutdown(cancel_futures=True)
            signal.signal(signal.SIGTERM, old)

    def is_finished(self, cell: Cell) -> bool:
        """Whether the cell's result is there."""
        return (self.work_dir / cell.name / RESULT).is_file()

    def train_command(self, cell: Cell) -> list[str]:
        """Program and arguments that train a cell, or go on with it."""
        folder = self.work_dir / cell.name
        words, options = [], {}
        if _newest(folder):
            words = ['--resume']
            options = {'load_from': None}  # else it would be resumed
        return self._command('train.py', cell, folder, words, options)

    def test_command(self, cell: Cell, weights: Path) -> list[str]:
        """Program and arguments that test a cell with a checkpoint."""
        folder = self.work_dir / cell.name
        words = ['--checkpoint', weights]
        options = {
            **cell.test_options,
            'default_hooks.result.type': 'fdep_mm.ResultWriterHook',
            'default_hooks.result.out_dir': folder,
        }
        return self._command('test.py', cell, folder / 'test', words, options)

    def _command(
        self, tool: str, cell: Cell, folder: Path, words: list, options: dict
    ) -> list[str]:
        options = {'randomness.seed': cell.seed, **cell.options, **options}
        command = [sys.executable, self.tools / tool, cell.config]
        command += ['--work-dir', folder, *words, '--cfg-options']
        command += [f'{key}={value}' for key, value in options.items()]
        return list(map(str, command))

    def _run_job(self, cells: list[Cell], report: Callable) -> None:
        folder = self.work_dir / cells[0].trained
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with take_lock(folder / LOCK):
                for cell in cells:
                    self._run_cell(cell, report)
        except LockedError:
            for cell in cells:
                if not self.is_finished(cell):
                    report(cell, 'elsewhere')
        except Stopped:
            pass

    def _run_cell(self, cell: Cell, report: Callable) -> None:
        folder = self.work_dir / cell.name
        folder.mkdir(parents=True, exist_ok=True)
        try:
            check_settings(cell, folder)
            if not (folder / SETTINGS).is_file():
                write_json_whole(folder / SETTINGS, settings_of(cell), WAY_OUT)
            if self.is_finished(cell):
                return
            report(cell, 'start')
            if cell.weights_of is None and not (folder / CURVE).is_file():
                self._wait_for_orphan(folder)
                self._call(self.train_command(cell), folder / 'train.log')
                curves = read_validations(folder)
                write_json_whole(folder / CURVE, curves, WAY_OUT)
            weights = _weights(self.work_dir / cell.trained, cell.checkpoint)
            self._call(self.test_command(cell, weights), folder / 'test.log')
            if not self.is_finished(cell):
                raise CellError(f'the test wrote no {folder / RESULT}')
        except (CellError, OSError, ValueError) as error:
            report(cell, str(error))
        else:
            report(cell, 'done')

    def _wait_for_orphan(self, folder: Path) -> None:
        """A study that was killed may have left its training running."""
        while not self._stop.is_set():
            try:
                with take_lock(folder / TRAIN_LOCK):
                    return
            except LockedError:
                self._stop.wait(1)

    def _call(self, command: list[str], log: Path) -> None:
        with open(log, 'a') as file:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=os.environ | self.variables,
                start_new_session=True,  # Ctrl-C is for the study
            )
        while process.poll() is None and not self._stop.wait(0.2):
            pass
        if self._stop.is_set():
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
            process.wait()
            raise Stopped
        if process.returncode:
            lines = log.read_text(errors='replace').splitlines()[-LOG_LINES:]
            head = f'code {process.returncode}, the end of {log}:'
            raise CellError('\n    '.join([head, *lines]))


def _weights(folder: Path, checkpoint: str) -> Path:
    if not (folder / CURVE).is_file():
        raise CellError(f'the training in {folder} has not ended')
    best = checkpoint == 'best'
    found = [*folder.glob('best_*.pth')] if best else _newest(folder)
    if not found:
        raise CellError(f'{folder} has no {checkpoint} checkpoint')
    if len(found) > 1:
        raise CellError(f'{folder}: which is the {checkpoint} of {found}?')
    return found[0]


def _newest(folder: Path) -> list[Path]:
    """The last checkpoint of epochs, and of iterations."""
    found = [newest_checkpoint(folder, name) for name in TEMPLATES]
    return [path for path in found if path is not None]
