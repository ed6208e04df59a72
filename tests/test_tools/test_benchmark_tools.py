"""The benchmark of metrics runs, and finds equal numbers."""

import sys

import pytest
from child_processes import REPO, run_python

# What the other environment answers; pyirstdmetrics is not installed here.
PEER = """#!{python}
import json
single = dict(IoU={iou}, nIoU=0.5, Pd=1.0, Fa=0.0), 0.1
print(json.dumps([single, ({{}}, 0.2)]))
"""


def run(*args):
    pytest.importorskip('skimage', reason='scikit-image is not installed')
    tool = REPO / 'tools/analysis_tools/benchmark_metrics.py'
    return run_python(tool, '--num', 3, '--rounds', 1, *args)


def test_on_synthetic_masks(tmp_path):
    done = run('--data', tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('numbers equal') == 3
    assert done.stdout.count('x HSEMetric') == 6
    assert 'synthetic' in done.stderr


def test_on_real_masks(find_data):
    done = run('--data', find_data('NUDT-SIRST/masks').parents[1])
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('numbers equal') == 3
    assert 'synthetic' not in done.stderr


def test_another_result_of_a_peer_is_an_error(tmp_path):
    peer = tmp_path / 'python'
    peer.write_text(PEER.format(python=sys.executable, iou=0.123))
    peer.chmod(0o755)
    done = run('--data', tmp_path, '--peer', peer)
    assert done.returncode == 2
    assert 'error: pyirstdmetrics: IoU is 0.123, by ours' in done.stderr
