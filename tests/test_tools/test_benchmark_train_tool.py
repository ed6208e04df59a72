"""tools/analysis_tools/benchmark_train.py on a tiny VFM."""

import re

import pytest
from tool_runs import run_tool

CONFIG = """
_base_ = {parent!r}
model = dict(vfm=dict(model_name='test_vit', out_indices=(1, 3)))
"""


def test_steps_and_their_ratios(tmp_path, repo):
    parent = 'fdep-efficientnet-lite0_alcnet_1xb16-12e_synthetic-128x128.py'
    path = tmp_path / 'tiny.py'
    path.write_text(CONFIG.format(parent=str(repo / 'configs/fdep' / parent)))
    args = (
        '--batch 2 --size 64 --rounds 2 --random-vfm --pca 8 --cfg-options '
        'model.vfm.channels_last=True'
    )
    tool = 'analysis_tools/benchmark_train.py'
    out = run_tool(tool, path, *args.split()).out
    assert 'VFM test_vit' in out
    rows = re.findall(r'^ +(\w+) +(\d+\.\d) +(\d+\.\d\d)$', out, re.MULTILINE)
    assert [name for name, *_ in rows] == ['host', 'cached', 'online']
    host = float(rows[0][1])
    for _, time, ratio in rows:
        assert float(ratio) == pytest.approx(float(time) / host, abs=0.02)
