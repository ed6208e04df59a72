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
OTHERS = ('host', 'naive', 'cached')
STEP = re.compile(r'^  (\w[\w ]*?) +(\d+\.\d)' + 3 * r' +(\d+\.\d\d)' + '$')


def run(tmp_path, monkeypatch, capsys, repo, *more):
    parent = 'fdep-efficientnet-lite0_alcnet_1xb16-12e_synthetic-128x128.py'
    path = tmp_path / 'tiny.py'
    path.write_text(CONFIG.format(parent=str(repo / 'configs/fdep' / parent)))
    args = (
        '--batch 2 --size 64 --rounds 2 --random-vfm --channels-last --pca 8'
    )
    argv = [str(TOOL), str(path), *args.split(), *more]
    monkeypatch.setattr(sys, 'argv', argv)
    monkeypatch.setattr(sys, 'path', [str(TOOL.parent), *sys.path])
    runpy.run_path(str(TOOL), run_name='__main__')
    return capsys.readouterr().out


def test_steps_and_parts(tmp_path, monkeypatch, capsys, repo):
    out = run(tmp_path, monkeypatch, capsys, repo)
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
    check_ratios(out, list(rows)[:5])


def test_some_steps(tmp_path, monkeypatch, capsys, repo):
    out = run(tmp_path, monkeypatch, capsys, repo, '--steps', 'host', 'cached')
    found = re.findall(r'^  (host|cached) +(\d+\.\d) ', out, re.MULTILINE)
    assert [name for name, _ in found] == ['host', 'cached']
    assert not {'online', 'naive', 'part'} & set(out.split())


def check_ratios(out, names):
    """Those printed are of the times printed, as far as these are rounded."""
    found = [m.groups() for m in map(STEP.match, out.splitlines()) if m]
    assert [name for name, *_ in found] == names
    times = {name: float(time) for name, time, *_ in found}
    for name, _, *ratios in found:
        for other, ratio in zip(OTHERS, ratios, strict=True):
            least = (times[name] - 0.05) / (times[other] + 0.05) - 0.0051
            most = (times[name] + 0.05) / (times[other] - 0.05) + 0.0051
            assert least <= float(ratio) <= most, (name, other)
            assert name != other or ratio == '1.00'
