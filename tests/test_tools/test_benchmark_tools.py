"""The benchmarks beside training run, and find equal numbers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(tool, *args, cwd):
    done = subprocess.run(
        [
            sys.executable,
            str(ROOT / 'tools/analysis_tools' / tool),
            *map(str, args),
        ],
        cwd=cwd,
        env={**os.environ, 'PYTHONPATH': str(ROOT)},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_peers(tmp_path):
    pytest.importorskip('skimage', reason='scikit-image is not installed')
    args = ('--num', 3, '--repeats', 1, '--data', tmp_path)
    output = run('benchmark_peers.py', *args, cwd=tmp_path)
    assert 'pyirstdmetrics is left out' in output
    assert output.count('numbers equal') == 2
    assert output.count('mmseg IoUMetric') == 2


def test_an_environment_that_cannot_be_made(tmp_path):
    pytest.importorskip('skimage', reason='scikit-image is not installed')
    occupied = tmp_path / 'a file'
    occupied.write_text('')
    args = ('--num', 1, '--repeats', 1, '--data', tmp_path)
    output = run(
        *('benchmark_peers.py', *args, '--env', occupied), cwd=tmp_path
    )
    assert 'pyirstdmetrics is left out' in output
    assert output.count('numbers equal') == 2


def test_data(tmp_path):
    config = ROOT / 'configs/acm/acm_1xb16-12e_synthetic-128x128.py'
    args = ('--batches', 1, '--steps', 1, '--workers', 0, 1)
    output = run('benchmark_data.py', config, *args, cwd=tmp_path)
    rows = [x for x in output.splitlines() if 'workers' in x]
    assert len(rows) == 2 and 'step' in output
    for row in rows:
        assert float(row.split()[2]) > 0
