"""Files on a disk that is full: the old one stays, the error helps."""

import errno
from pathlib import Path

import pytest
from mmengine.fileio import get_file_backend

from fdep_mm.core.files import NAME, AtomicBackend
from fdep_mm.priors.writer import FILES

pytestmark = pytest.mark.skipif(
    not Path('/dev/full').exists(), reason='needs a device that is full'
)


@pytest.fixture
def full(tmp_path):
    """A file whose next version finds no space."""
    path = tmp_path / 'notes.bin'
    path.write_bytes(b'old')
    path.with_name('notes.bin.part').symlink_to('/dev/full')
    return path


@pytest.mark.parametrize(
    ('backend', 'way_out'),
    [
        (AtomicBackend(), 'then go on with --resume'),
        (get_file_backend(backend_args={'backend': NAME}), 'with --resume'),
        (
            get_file_backend(backend_args={'backend': NAME, 'way_out': 'x'}),
            'another folder, then x',
        ),
        (FILES, 'then run the same command again: it goes on where it was'),
    ],
)
@pytest.mark.parametrize('size', [1, 1_000_000])
def test_the_old_file_stays(full, backend, way_out, size):
    with pytest.raises(OSError, match='No space left on device') as error:
        backend.put(b'x' * size, full)
    assert error.value.errno == errno.ENOSPC
    text = str(error.value)
    assert f'{full}: cannot be written' in text
    assert 'the old file is as it was' in text and text.endswith(way_out)
    assert full.read_bytes() == b'old'
    assert list(full.parent.iterdir()) == [full]
    assert Path('/dev/full').is_char_device()
    backend.put_text('new', full)
    assert full.read_bytes() == b'new'


def test_there_was_no_file(full):
    full.unlink()
    with pytest.raises(OSError, match='there is no file'):
        AtomicBackend().put_text('new', full)
    assert not full.exists()
