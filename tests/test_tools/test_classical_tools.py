"""The table of classical methods stops and goes on."""

import json
import re
from pathlib import Path
from runpy import run_path

import cv2
import numpy as np
import pytest
from tool_runs import TOOLS, run_tool

TOOL = TOOLS / 'analysis_tools/classical_table.py'


def run(*args, code: int = 0) -> str:
    """What the tool prints: its table, or why there is none."""
    done = run_tool(TOOL, *args)
    assert done.code == code, done.err
    return done.err if code else done.out


@pytest.fixture
def data(tmp_path, monkeypatch) -> Path:
    """NUAA-SIRST of four images."""
    monkeypatch.setenv('FDEP_DATA', str(tmp_path))
    root = tmp_path / 'NUAA-SIRST'
    for folder in ('images', 'masks', 'img_idx'):
        (root / folder).mkdir(parents=True)
    rng = np.random.default_rng(0)
    for i in range(4):
        image = rng.integers(80, 90, (40, 50), np.uint8)
        mask = np.zeros_like(image)
        image[20:23, 20 + i : 23 + i] = 200
        mask[20:23, 20 + i : 23 + i] = 255
        cv2.imwrite(str(root / 'images' / f'{i}.png'), image)
        cv2.imwrite(str(root / 'masks' / f'{i}.png'), mask)
    for split in ('train', 'test'):
        file = root / 'img_idx' / f'{split}_NUAA-SIRST.txt'
        file.write_text('0\n1\n2\n3\n')
    return tmp_path


def row(output: str, name: str) -> list[str]:
    (line,) = [x for x in output.splitlines() if x.startswith(f'| {name} |')]
    return [cell.strip() for cell in line.strip('|').split('|')]


def test_the_table_goes_on_after_a_stop(data, tmp_path):
    args = ('--sets', 'nuaa-sirst', '--out', tmp_path / 'out', '--runs')
    whole = run(*args, 'tophat:size=7', 'lcm:peak=pixel')
    first = row(whole, 'tophat:size=7')
    assert first[1] == '4' and float(first[4]) == 100
    assert all(80 < float(first[i]) <= 100 for i in (8, 9, 10))
    assert row(whole, 'lcm:peak=pixel')[1] == '4'
    path = tmp_path / 'out' / 'nuaa-sirst' / 'tophat:size=7.jsonl'
    lines = path.read_text().splitlines(keepends=True)
    assert len(lines) == 4 and json.loads(lines[0])['converged']
    path.write_text(''.join(lines[:2]) + lines[2][:50])
    again = run(*args, 'tophat:size=7')
    assert row(again, 'tophat:size=7') == first
    kept = path.read_text().splitlines(keepends=True)
    assert kept[:2] == lines[:2] and len(kept) == 4


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        ('mpmc', "method='mpmc': give one of .*'mpcm'"),
        ('tophat:sise=3', "tophat has no parameter .*'sise'.* it has .*size"),
        ('tophat:3', "tophat has no parameter .*'3'.* it has .*size"),
    ],
)
def test_unknown_runs(name, message):
    assert re.search(message, run('--runs', name, code=2))


def test_pixel_counts():
    tool = run_path(str(TOOL))
    levels = tool['LEVELS']
    rng = np.random.default_rng(0)
    prob = (rng.integers(0, 513, (30, 40)) / 512).astype(np.float32)
    mask = rng.random((30, 40)) < 0.2
    inter, above = tool['pixel_counts'](prob, mask)
    for k, level in enumerate(levels):
        predicted = prob > level
        assert above[k] == predicted.sum()
        assert inter[k] == (predicted & mask).sum()
    assert len(inter) == len(levels) == 255
    assert tool['parse_run']('lcm:peak=pixel,scales=[3]') == (
        'lcm',
        dict(peak='pixel', scales=[3]),
    )
