"""Processes that tests start: each has a deadline, and none is left behind."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
import torch.multiprocessing as mp

REPO = Path(__file__).parents[1]
COMMAND_SECONDS = 600
RANK_SECONDS = 300
# For the server that processes are forked from. It starts once in a test run
# and finds installed packages only, so there is one list for all tests.
PRELOAD = [
    'torch.distributed',
    'mmengine.runner',
    'mmseg.datasets',
    'mmseg.models',
    'scipy.ndimage',
    'timm',
    'yapf.yapflib.yapf_api',
]
HOLDER = """
import fcntl, os, sys
file = open(sys.argv[1], 'a+')
fcntl.lockf(file, fcntl.LOCK_EX)
file.truncate(0)
file.write(f'process {os.getpid()} on here since today')
file.flush()
print('locked', flush=True)
sys.stdin.read()
"""


def run_command(
    *command: object, seconds: float = COMMAND_SECONDS, **options
) -> subprocess.CompletedProcess:
    """Run a command.

    Args:
        *command: Program and arguments.
        seconds (float): What it may take.
        **options: Of :class:`subprocess.Popen`.

    Returns:
        subprocess.CompletedProcess: With what it printed, as text.

    Raises:
        subprocess.TimeoutExpired: It hangs. It is ended then, and so are the
            processes that it started.
    """
    pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with subprocess.Popen(
        [str(part) for part in command],
        start_new_session=True,
        **(pipes | options),
    ) as process:
        try:
            printed, errors = process.communicate(timeout=seconds)
        except BaseException:
            _end_group(process)
            raise
    return subprocess.CompletedProcess(
        process.args, process.returncode, printed, errors
    )


def run_python(
    *arguments: object, cwd: Path | None = None, **variables: str
) -> subprocess.CompletedProcess:
    """Run Python with this checkout in its path and without a GPU.

    Args:
        *arguments: Flags, and a script with its arguments.
        cwd (Path, optional): Folder to run in.
        **variables: Additional environment variables.

    Returns:
        subprocess.CompletedProcess: Of :func:`run_command`.
    """
    paths = [str(REPO), os.environ.get('PYTHONPATH')]
    env = {
        **os.environ,
        'PYTHONPATH': os.pathsep.join(filter(None, paths)),
        'CUDA_VISIBLE_DEVICES': '',
    }
    return run_command(
        sys.executable, *arguments, cwd=cwd, env=env | variables
    )


def _end_group(process: subprocess.Popen) -> None:
    """End a process and its children; torchrun ends its own when asked to."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        pass
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # all have ended


def fork_server() -> multiprocessing.context.BaseContext:
    """Its processes are forked from one that has imported the packages."""
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload(PRELOAD)
    return context


def run_ranks(
    function: Callable, world: int, folder: Path, *arguments: object
) -> list:
    """Call ``function(rank, world, folder, *arguments)`` in several processes.

    They meet in a file of the folder instead of at a port, where nothing can
    collide, and each writes its result to ``{rank}.pt``.

    Args:
        function (Callable): Of a module, so that each process can import it.
        world (int): Number of processes.
        folder (Path): For their files.
        *arguments: What else the function takes.

    Returns:
        list: The results.
    """
    fork_server()
    context = mp.start_processes(
        function,
        (world, str(folder), *arguments),
        world,
        join=False,
        start_method='forkserver',
    )
    deadline = time.monotonic() + RANK_SECONDS
    try:
        while not context.join(timeout=5):
            assert time.monotonic() < deadline, 'the processes hang'
    finally:
        for process in context.processes:
            process.kill()
    files = [Path(folder, f'{rank}.pt') for rank in range(world)]
    return [torch.load(file, weights_only=False) for file in files]


@contextmanager
def lock_holder(path: Path) -> Iterator[subprocess.Popen]:
    """Another process that holds the lock of a file."""
    with subprocess.Popen(
        [sys.executable, '-c', HOLDER, str(path)],
        stdin=subprocess.PIPE,  # it ends when this process does
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout.readline() == 'locked\n'
            yield process
        finally:
            process.kill()
