"""Killed at the worst moments, then resumed: as if nothing had happened."""

import re
import signal
from pathlib import Path

import pytest
from fault_training import (
    assert_same_weights,
    in_child,
    tiny_config,
    train,
    weights,
)

needs_full = pytest.mark.skipif(
    not Path('/dev/full').exists(), reason='needs a device that is full'
)
MOMENTS = ('epoch', 'validation', 'last', 'best', 'record')


def start(
    work_dir: Path,
    moment: str | None,
    num_workers: int,
    resume: bool,
) -> None:
    cfg = tiny_config(work_dir)
    cfg.train_dataloader.update(
        num_workers=num_workers, persistent_workers=num_workers > 0
    )
    if moment is not None:
        cfg.custom_hooks = [dict(type='fdep_mm.DyingHook', moment=moment)]
    try:
        train(cfg, resume)
    except Exception as error:
        (work_dir / 'error.txt').write_text(str(error))
        raise


@pytest.fixture(scope='module')
def uninterrupted(tmp_path_factory):
    """Number of workers -> work dir."""
    folders = {}
    for num_workers in (0, 2):
        folder = tmp_path_factory.mktemp(f'{num_workers}_workers')
        assert in_child(start, folder, None, num_workers, False) == 0
        folders[num_workers] = folder
    return folders


@pytest.mark.parametrize(
    ('moment', 'num_workers'),
    [*((moment, 0) for moment in MOMENTS), ('worker', 2)],
)
def test_killed_and_resumed(tmp_path, uninterrupted, moment, num_workers):
    code = in_child(start, tmp_path, moment, num_workers, False)
    if moment == 'worker':
        assert code == 1
        error = (tmp_path / 'error.txt').read_text()
        assert re.search('DataLoader worker .*kill', error), error
        assert [p.name for p in tmp_path.glob('epoch_*')] == ['epoch_1.pth']
    else:
        assert -code in (signal.SIGKILL, signal.SIGXFSZ)
    half = moment in ('last', 'best')
    assert len(list(tmp_path.glob('*.part'))) == half
    assert list(tmp_path.glob('epoch_*.pth'))
    for path in tmp_path.glob('*.pth'):
        assert weights(path)

    assert in_child(start, tmp_path, None, num_workers, True) == 0
    whole = uninterrupted[num_workers]
    names = {path.name for path in tmp_path.iterdir() if path.is_file()}
    assert {path.name for path in whole.iterdir() if path.is_file()} <= names
    for path in whole.glob('*.pth'):
        assert_same_weights(path, tmp_path / path.name)
    assert not list(tmp_path.glob('*.part'))
    assert Path((tmp_path / 'last_checkpoint').read_text()).is_file()


def test_workers_change_no_weight(uninterrupted):
    assert_same_weights(*(uninterrupted[n] / 'epoch_3.pth' for n in (0, 2)))


@pytest.mark.parametrize(
    ('moment', 'reason'),
    [
        ('full', 'File too large'),
        pytest.param('no space', 'No space left on device', marks=needs_full),
    ],
)
def test_a_full_disk_is_named_and_leaves_the_old_file(
    tmp_path, moment, reason
):
    code = in_child(start, tmp_path, moment, 0, False)
    assert code == 1
    error = (tmp_path / 'error.txt').read_text()
    assert f'epoch_2.pth: cannot be written ({reason})' in error
    assert 'MB are free' in error
    assert '--resume' in error
    assert weights(tmp_path / 'epoch_1.pth')
    assert not list(tmp_path.glob('*.part'))
    assert (tmp_path / 'last_checkpoint').read_text().endswith('epoch_1.pth')
