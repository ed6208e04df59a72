"""A small cache, made once for each file of tests."""

import shutil
from pathlib import Path

import pytest
from prior_builders import SIZES, write_cache, write_images


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    """Images and their cache, made once."""
    folder = tmp_path_factory.mktemp('made')
    write_images(folder / 'data set', SIZES)
    write_cache(folder / 'data set', folder / 'cache')
    return folder


@pytest.fixture
def images(made, tmp_path):
    return Path(shutil.copytree(made / 'data set', tmp_path / 'data set'))


@pytest.fixture
def cache(made, tmp_path):
    return Path(shutil.copytree(made / 'cache', tmp_path / 'cache'))
