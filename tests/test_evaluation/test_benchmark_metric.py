"""The benchmark runs, and finds equal numbers."""

from pathlib import Path

import pytest
from child_processes import run_python

ROOT = Path(__file__).parents[2]


def run(*arguments):
    pytest.importorskip('skimage', reason='scikit-image is not installed')
    return run_python(
        ROOT / 'tools/analysis_tools/benchmark_metric.py',
        *('--num', 4, '--num-dense', 1, '--repeats', 1),
        *arguments,
    )


def test_on_synthetic_masks(tmp_path):
    done = run('--data', tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('equal numbers') == 3
    assert 'synthetic' in done.stderr


def test_on_real_masks(find_data):
    done = run('--data', find_data('NUDT-SIRST/masks').parents[1])
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('equal numbers') == 3
    assert 'synthetic' not in done.stderr
