"""The benchmark of metrics runs, and finds equal numbers."""

import sys
from runpy import run_path

import numpy as np
from tool_runs import TOOLS, run_tool

TOOL = TOOLS / 'analysis_tools/benchmark_metrics.py'

# What the other environment answers; pyirstdmetrics is not installed here.
PEER = """#!{python}
import json
single = dict(IoU={iou}, nIoU=0.5, Pd=1.0, Fa=0.0), 0.1
print(json.dumps({{'pyirstdmetrics': single}}))
"""


def run(*args):
    return run_tool(TOOL, '--num', 3, '--rounds', 1, *args)


def test_on_synthetic_masks(tmp_path):
    done = run('--data', tmp_path)
    assert done.code == 0, done.err
    assert done.out.count('numbers equal') == 3
    assert done.out.count('x HSEMetric') == 6
    assert 'synthetic' in done.err


def test_real_masks(find_data, capsys):
    data = find_data('NUDT-SIRST/masks').parents[1]
    rng = np.random.default_rng(0)
    masks = run_path(str(TOOL))['find_masks'](data, 3, rng)
    assert [mask.shape for mask in masks] == [(256, 256)] * 3
    assert any(mask.any() for mask in masks)
    assert not capsys.readouterr().err


def test_another_result_of_a_peer_is_an_error(tmp_path):
    peer = tmp_path / 'python'
    peer.write_text(PEER.format(python=sys.executable, iou=0.123))
    peer.chmod(0o755)
    done = run('--data', tmp_path, '--peer', peer)
    assert done.code == 2
    assert 'error: pyirstdmetrics: IoU is 0.123, by ours' in done.err
