"""The benchmarks beside training run, and find equal numbers."""

from pathlib import Path

import pytest
from child_processes import run_python

ROOT = Path(__file__).parents[2]


def run(tool, *args, cwd):
    done = run_python(ROOT / 'tools/analysis_tools' / tool, *args, cwd=cwd)
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
