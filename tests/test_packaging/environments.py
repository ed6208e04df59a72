"""Virtual environments for packaging tests, made without a network."""

import os
import subprocess
import sys
from pathlib import Path

from child_processes import run_command


def run(*command: str | Path, cwd: Path, **variables: str) -> str:
    """Run a command as a user would, far from the checkout.

    Args:
        *command: Program and arguments.
        cwd (Path): Folder to run in.
        **variables: Additional environment variables.

    Returns:
        str: What it printed, both streams.
    """
    env = {k: v for k, v in os.environ.items() if k != 'PYTHONPATH'}
    env.update(CUDA_VISIBLE_DEVICES='', **variables)
    result = run_command(*command, cwd=cwd, env=env, stderr=subprocess.STDOUT)
    assert result.returncode == 0, result.stdout
    return result.stdout


def pip(*arguments: str | Path, cwd: Path) -> None:
    """Run the pip of the testing environment, without a network."""
    run(
        sys.executable,
        '-m',
        'pip',
        '--disable-pip-version-check',
        *arguments,
        '--no-deps',
        '--no-index',
        '--no-build-isolation',
        cwd=cwd,
    )


def make_environment(folder: Path) -> Path:
    """Make a virtual environment over the packages of the running one.

    Args:
        folder (Path): Where to make it.

    Returns:
        Path: Its interpreter.
    """
    run(sys.executable, '-m', 'venv', '--without-pip', folder, cwd=Path.cwd())
    packages = [path for path in sys.path if path.endswith('-packages')]
    (site,) = folder.glob('lib/python*/site-packages')
    (site / 'outer.pth').write_text('\n'.join(packages))
    return folder / 'bin' / 'python'
