"""What all tests share: fixed seeds, few threads, and the way to real data.

FDEP_TEST_WITHOUT=mmdet,mmcv._ext runs them, and the processes that they start,
as where these modules are not installed; tests that need them are then
skipped.
"""

import os
import random
import runpy
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import plain_configs  # noqa: F401, for all tests
import pytest
import torch
from mmengine.registry import init_default_scope

REPO = Path(__file__).resolve().parents[1]

if os.environ.get('FDEP_TEST_WITHOUT'):
    folder = str(REPO / 'tests/without')
    paths = [folder, os.environ.get('PYTHONPATH')]
    os.environ['PYTHONPATH'] = os.pathsep.join(filter(None, paths))
    runpy.run_path(f'{folder}/sitecustomize.py')

# One thread for each of the parallel test processes, and for those they start.
os.environ.setdefault('OMP_NUM_THREADS', '1')
torch.set_num_threads(int(os.environ['OMP_NUM_THREADS']))


@pytest.fixture(autouse=True)
def fixed_start() -> Iterator[None]:
    """Start each test from the same random state and default scope."""
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    yield
    init_default_scope('mmseg')  # of the next, whose fixtures come first


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
