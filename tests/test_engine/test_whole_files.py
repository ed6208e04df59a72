"""Files on a disk that is full: the old one stays, the error helps."""

import errno
import os
from pathlib import Path

import pytest
from mmengine.fileio import get_file_backend

from fdep_mm.core.whole import write_whole
from fdep_mm.engine.hooks.safe_checkpoint_hook import BACKEND

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


@pytest.mark.parametrize('flush', [True, False])
@pytest.mark.parametrize('size', [1, 1_000_000])
def test_the_old_file_stays(full, flush, size):
    with pytest.raises(OSError, match='No space left on device') as error:
        write_whole(full, b'x' * size, 'try again', flush)
    assert error.value.errno == errno.ENOSPC
    text = str(error.value)
    assert f'{full}: cannot be written' in text
    assert 'the old file is unchanged' in text
    assert text.endswith('then try again')
    assert full.read_bytes() == b'old'
    assert list(full.parent.iterdir()) == [full]
    assert Path('/dev/full').is_char_device()
    write_whole(full, 'new', 'try again', flush)
    assert full.read_bytes() == b'new'


def test_checkpoints_name_the_way_to_go_on(full):
    backend = get_file_backend(backend_args={'backend': BACKEND})
    with pytest.raises(OSError, match='then go on with --resume'):
        backend.put(b'new', full)
    assert full.read_bytes() == b'old'


def test_there_was_no_file(full):
    full.unlink()
    with pytest.raises(OSError, match='nothing was written'):
        write_whole(full, 'new', 'try again')
    assert not full.exists()


def test_the_folder_is_a_file(full):
    text = 'notes.bin/a.json: cannot be written.*; nothing was written'
    with pytest.raises(OSError, match=text):
        write_whole(full / 'a.json', 'new', 'try again')


def test_links_and_pipes_stay(tmp_path):
    file, link, pipe = (tmp_path / name for name in ('file', 'link', 'pipe'))
    link.symlink_to(file)
    for text in ('new', 'newer'):
        write_whole(link, text, 'try again')
        assert link.is_symlink()
        assert file.read_text() == text
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_whole(pipe, 'new', 'try again')
    assert os.read(reader, 10) == b'new'
    assert pipe.is_fifo()
    os.close(reader)
