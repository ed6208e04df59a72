"""Logs of one or several starts become one curve."""

import json

import numpy as np
import pytest

from fdep_mm.study.logs import read_scalars


def write_log(work_dir, start, entries, rest=''):
    folder = work_dir / start / 'vis_data'
    folder.mkdir(parents=True)
    lines = ''.join(json.dumps(entry) + '\n' for entry in entries)
    (folder / 'scalars.json').write_text(lines + rest)


def epochs(first, last, offset=0.0):
    """Ten iterations an epoch; a loss in each and a score after it."""
    entries = []
    for epoch in range(first, last + 1):
        loss = 1 / epoch + offset
        step = 10 * epoch
        entries += [
            dict(lr=0.1, loss=loss, time=1.0, epoch=epoch, iter=step)
            | dict(step=step),
            {'sirst/IoU': 10.0 * epoch + offset, 'time': 1.0, 'step': epoch},
        ]
    return entries


def test_what_was_logged(tmp_path):
    write_log(tmp_path, '20260101_000000', epochs(1, 3))
    curves = read_scalars(tmp_path)
    assert set(curves) == {'lr', 'loss', 'sirst/IoU'}
    steps, values = curves['loss']
    assert steps.tolist() == [10, 20, 30]
    np.testing.assert_allclose(values, [1, 1 / 2, 1 / 3])
    assert curves['sirst/IoU'][0].tolist() == [1, 2, 3]


def test_a_resumed_training_is_one_curve(tmp_path):
    write_log(tmp_path, '20260101_000000', epochs(1, 3))
    write_log(tmp_path, '20260102_000000', epochs(3, 4, offset=0.25))
    steps, values = read_scalars(tmp_path)['sirst/IoU']
    assert steps.tolist() == [1, 2, 3, 4]
    assert values.tolist() == [10, 20, 30.25, 40.25]
    # and that of one start can be had alone
    first = read_scalars(tmp_path / '20260101_000000')
    assert first['loss'][0].tolist() == [10, 20, 30]


def test_a_training_resumed_for_its_last_validation(tmp_path):
    write_log(tmp_path, '20260101_000000', epochs(1, 2)[:-1])
    write_log(tmp_path, '20260102_000000', epochs(2, 2)[-1:])
    curves = read_scalars(tmp_path)
    assert curves['loss'][0].tolist() == [10, 20]
    assert curves['sirst/IoU'][1].tolist() == [10, 20]


def test_a_training_that_began_anew_replaces_the_old(tmp_path):
    write_log(tmp_path, '20260101_000000', epochs(1, 5))
    write_log(tmp_path, '20260102_000000', epochs(1, 2, offset=1.0))
    curves = read_scalars(tmp_path)
    assert curves['loss'][0].tolist() == [10, 20]
    assert curves['sirst/IoU'][1].tolist() == [11, 21]


def test_tests_are_left_out(tmp_path):
    write_log(tmp_path, '20260101_000000', epochs(1, 2))
    write_log(tmp_path, '20260103_000000', [{'sirst/IoU': 99.0, 'step': 0}])
    assert read_scalars(tmp_path)['sirst/IoU'][1].tolist() == [10, 20]


def test_half_a_line_of_a_killed_training(tmp_path):
    write_log(tmp_path, '20260101_000000', epochs(1, 2), '{"lr": 0.1, "lo')
    with pytest.warns(UserWarning, match='line 5: not a log entry'):
        curves = read_scalars(tmp_path)
    assert curves['loss'][0].tolist() == [10, 20]


def test_folders_without_a_training(tmp_path):
    with pytest.raises(ValueError, match='holds no vis_data/scalars.json'):
        read_scalars(tmp_path)
    write_log(tmp_path, '20260101_000000', [{'sirst/IoU': 1.0, 'step': 0}])
    with pytest.raises(ValueError, match='with losses'):
        read_scalars(tmp_path)
