"""``--resume`` finds the newest checkpoint, whatever became of the record."""

import logging
import os
from types import SimpleNamespace

import pytest
from fault_training import tiny_config, train

from fdep_mm.engine import SafeCheckpointHook
from fdep_mm.engine.hooks import safe_checkpoint_hook


def mend(work_dir, **options):
    """Run the hook as at the start of a training; what it logged."""
    texts = []
    runner = SimpleNamespace(
        work_dir=str(work_dir),
        logger=SimpleNamespace(warning=texts.append),
        _resume=True,
        _load_from=None,
    )
    work_dir.mkdir(exist_ok=True)
    SafeCheckpointHook(interval=1, **options).before_run(runner)
    return texts


def write(folder, *numbers):
    """Empty checkpoints, the first one written last."""
    folder.mkdir(parents=True, exist_ok=True)
    for time, number in enumerate(numbers):
        path = folder / f'epoch_{number}.pth'
        path.write_bytes(b'')
        os.utime(path, (1000 - time, 1000 - time))
    (folder / 'best_sirst_IoU_epoch_99.pth').write_bytes(b'')


@pytest.mark.parametrize('record', [None, '', '/gone/epoch_12.pth'])
def test_the_last_epoch_not_the_last_file(tmp_path, record):
    """Copying a folder gives its files any order in time."""
    write(tmp_path, 9, 10, 2)
    path = tmp_path / 'last_checkpoint'
    if record is not None:
        path.write_text(record)
    (text,) = mend(tmp_path)
    assert 'going on from' in text
    assert path.read_text() == str(tmp_path / 'epoch_10.pth')
    assert mend(tmp_path) == []


def test_checkpoints_of_an_out_dir(tmp_path):
    work_dir = tmp_path / 'run'
    write(tmp_path / 'elsewhere/run', 3, 1)
    (text,) = mend(work_dir, out_dir=str(tmp_path / 'elsewhere'))
    assert 'going on from' in text
    newest = tmp_path / 'elsewhere/run/epoch_3.pth'
    assert (work_dir / 'last_checkpoint').read_text() == str(newest)


def test_remote_checkpoints_are_not_looked_for(tmp_path):
    (text,) = mend(tmp_path, out_dir='s3://bucket/runs')
    assert 'starting from scratch, as s3://bucket/runs' in text
    (tmp_path / 'last_checkpoint').write_text('s3://bucket/runs/epoch_1.pth')
    assert mend(tmp_path, out_dir='s3://bucket/runs') == []


def test_other_processes_wait_for_the_record(tmp_path, monkeypatch):
    write(tmp_path, 1)
    found = []
    record = tmp_path / 'last_checkpoint'
    monkeypatch.setattr(
        safe_checkpoint_hook,
        'barrier',
        lambda: found.append(record.read_text()),
    )
    mend(tmp_path)
    monkeypatch.setattr(safe_checkpoint_hook, 'is_main_process', lambda: False)
    record.unlink()
    record.write_text('as it was')
    mend(tmp_path)
    assert found == [str(tmp_path / 'epoch_1.pth'), 'as it was']


def test_a_first_start_and_a_lost_record(tmp_path):
    cfg = tiny_config(tmp_path, epochs=1)
    cfg.log_level = logging.WARNING
    assert train(cfg, resume=True).epoch == 1
    record = tmp_path / 'last_checkpoint'
    assert record.read_text() == str(tmp_path / 'epoch_1.pth')
    record.unlink()
    runner = train(tiny_config(tmp_path, epochs=1), resume=True)
    assert runner.iter == 2  # nothing was left to train
    logs = ''.join(path.read_text() for path in tmp_path.rglob('*.log'))
    assert 'starting from scratch' in logs
    assert f'going on from {tmp_path / "epoch_1.pth"}' in logs
