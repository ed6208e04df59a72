"""What all tests share: fixed seeds, few threads, and the way to real data.

FDEP_TEST_WITHOUT=mmdet,mmcv._ext runs them as where these modules are not
installed; tests that need them are then skipped.
"""

import os
import random
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

import numpy as np
import pytest
import torch

REPO = Path(__file__).resolve().parents[1]


WITHOUT = os.environ.get('FDEP_TEST_WITHOUT', '').split(',')


class _PathFinder(PathFinder):
    """Finds installed modules, except those."""

    @classmethod
    def find_spec(cls, name: str, path=None, target=None) -> ModuleSpec | None:
        if name in WITHOUT:
            return None
        return super().find_spec(name, path, target)


sys.meta_path[sys.meta_path.index(PathFinder)] = _PathFinder

# One thread for each of the parallel test processes, and for those they start.
os.environ.setdefault('OMP_NUM_THREADS', '1')
torch.set_num_threads(int(os.environ['OMP_NUM_THREADS']))


@pytest.fixture(autouse=True)
def fixed_seeds() -> None:
    """Start each test from the same random state."""
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


@pytest.fixture(scope='session')
def repo() -> Path:
    """The root folder of the checkout."""
    return REPO


@pytest.fixture(scope='session')
def data_root() -> Path:
    """The folder of real data, or a skip: set FDEP_DATA to run the test."""
    root = Path(os.environ.get('FDEP_DATA', REPO.parent / 'shared/data'))
    if not root.is_dir():
        pytest.skip(f'no real data in {root}: set FDEP_DATA')
    return root


@pytest.fixture(scope='session')
def find_data(data_root: Path) -> Callable[[str], Path]:
    """A function from a path below the data root to that path, or a skip."""

    def find(name: str) -> Path:
        path = data_root / name
        if not path.exists():
            pytest.skip(f'{path} is missing')
        return path

    return find
