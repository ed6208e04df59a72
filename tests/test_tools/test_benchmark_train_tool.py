"""tools/analysis_tools/benchmark_train.py on a tiny VFM."""

import re
import runpy
import sys
from pathlib import Path

TOOL = Path(__file__).parents[2] / 'tools/analysis_tools/benchmark_train.py'
CONFIG = """
_base_ = {parent!r}
model = dict(vfm=dict(model_name='test_vit', out_indices=(1, 3)))
"""


def test_steps_and_parts(tmp_path, monkeypatch, capsys, repo):
    parent = 'fdep-efficientnet-lite0_alcnet_1xb16-12e_synthetic-128x128.py'
    path = tmp_path / 'tiny.py'
    path.write_text(CONFIG.format(parent=str(repo / 'configs/fdep' / parent)))
    args = '--batch 2 --size 64 --rounds 2 --random-vfm --channels-last'
    monkeypatch.setattr(sys, 'argv', [str(TOOL), *args.split(), str(path)])
    monkeypatch.setattr(sys, 'path', [str(TOOL.parent), *sys.path])
    runpy.run_path(str(TOOL), run_name='__main__')
    out = capsys.readouterr().out
    assert 'VFM test_vit' in out
    rows = dict(
        re.findall(r'^ +(\w[\w ,]*?\w) +(\d+\.\d)(?: |$)', out, re.MULTILINE)
    )
    assert list(rows)[:5] == [
        'host',
        'cached',
        'online',
        'naive',
        'naive online',
    ]
    parts = {'VFM', 'encoder', 'SAMF', 'decoder x2', 'backward', 'optimizer'}
    assert parts <= rows.keys() and 'data, one process' in rows
    ratios = {
        line.split('  ')[1]: [float(v) for v in line.split()[-3:]]
        for line in out.splitlines()
        if line.startswith(('  host', '  naive  ', '  cached'))
    }
    for number, name in enumerate(('host', 'naive', 'cached')):
        assert ratios[name][number] == 1.0
