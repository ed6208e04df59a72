"""A wheel of the checkout, and an environment to install it in.

The environment sees the packages of the one that runs the tests, but not
this checkout, and nothing is taken from a network.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from environments import make_environment, pip

SOURCES = ('fdep_mm', 'configs', 'tools', 'setup.py', 'README.md', 'LICENSE')


@pytest.fixture(scope='session')
def copy_checkout(repo: Path) -> Callable[[Path], Path]:
    """A function that copies what a build needs, to a folder with spaces."""

    def copy(parent: Path) -> Path:
        checkout = parent / 'check out'
        checkout.mkdir()
        ignore = shutil.ignore_patterns('.mim', '__pycache__')
        for name in SOURCES:
            if (repo / name).is_dir():
                shutil.copytree(repo / name, checkout / name, ignore=ignore)
            else:
                shutil.copy2(repo / name, checkout)
        return checkout

    return copy


@pytest.fixture(scope='session')
def wheel(copy_checkout, tmp_path_factory) -> Path:
    """A wheel, built where an earlier build has left files."""
    folder = tmp_path_factory.mktemp('wheel')
    checkout = copy_checkout(folder)
    stale = checkout / 'build' / 'lib' / 'fdep_mm' / '.mim' / 'stale.py'
    stale.parent.mkdir(parents=True)
    stale.touch()
    (stale.parents[1] / 'stale.py').touch()
    pip('wheel', '.', '--wheel-dir', folder, cwd=checkout)
    (path,) = folder.glob('*.whl')
    return path


@pytest.fixture(scope='session')
def installed(wheel, tmp_path_factory) -> Path:
    """Python of an environment into which the wheel is installed."""
    folder = tmp_path_factory.mktemp('wheel env')
    python = make_environment(folder / 'env')
    pip('--python', python, 'install', wheel, cwd=folder)
    return python
