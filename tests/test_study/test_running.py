"""Cells in processes: killed, resumed, failing, or run by another study."""

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
import yaml
from child_processes import COMMAND_SECONDS, REPO, lock_holder

SCRIPT = REPO / 'tools/study.py'
SPEC = importlib.util.spec_from_file_location('study', SCRIPT)
tool = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(tool)
TINY = dict(num_workers=0, persistent_workers=False)
SCENES = {'dataset.num_images': 4, 'dataset.img_size': [64, 64]}
STUDY = dict(
    config='configs/{host}/{host}_1xb16-12e_{data}-128x128.py',
    hosts=['acm'],
    data=['synthetic'],
    seeds=[0, 1],
    baseline='host',
    arms=dict(host={}, best=dict(weights_of='host', checkpoint='best')),
    options={
        'train_cfg': dict(max_epochs=2, val_interval=1),
        # epochs that take longer than it takes to end a process
        'train_dataloader': {
            **TINY,
            **SCENES,
            'batch_size': 4,
            'dataset.num_images': 48,
        },
        'val_dataloader': dict(TINY, **SCENES),
        'test_dataloader': dict(TINY, **SCENES),
        'default_hooks.checkpoint.interval': 1,
        'model.data_preprocessor.size': [64, 64],
        'custom_hooks': [],  # no pictures: less to import
        'visualizer.vis_backends': [dict(type='LocalVisBackend')],
    },
)
# What the real ones leave behind.
TRAIN = """
import sys
from pathlib import Path
folder = Path(sys.argv[sys.argv.index('--work-dir') + 1])
with open(folder / 'starts', 'a') as file:
    file.write(' '.join(sys.argv[1:]) + '\\n')
Path(folder, 'epoch_1.pth').touch()
if 'randomness.seed=1' in sys.argv:
    print('the loss is not finite')
    sys.exit(3)
"""
TEST = """
import sys
from pathlib import Path
folder = sys.argv[-1].partition('=')[2]
Path(folder, 'result.json').write_text('{}')
"""


def write_study(folder, **changes):
    path = folder / 'study.yml'
    path.write_text(yaml.safe_dump({**STUDY, **changes}, sort_keys=False))
    return path


def start(path, work_dir):
    """The real tool, as on a command line."""
    return subprocess.Popen(
        [sys.executable, SCRIPT, path, '--work-dir', work_dir],
        cwd=REPO,
        env={**os.environ, 'PYTHONPATH': str(REPO)},
        stdout=subprocess.PIPE,
        text=True,
    )


def times(work_dir):
    """The results of finished cells, and when they were written."""
    found = sorted(work_dir.rglob('result.json'))
    return {path: path.stat().st_mtime_ns for path in found}


def test_killed_and_started_again(tmp_path):
    """Within the training of seed 1; what seed 0 has done is not repeated."""
    path = write_study(tmp_path)
    work_dir = tmp_path / 'cells'
    folder = work_dir / 'synthetic/acm/host/seed-1'
    process = start(path, work_dir)
    while not (folder / 'epoch_1.pth').exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 130
    finished = times(work_dir)
    assert [path.parent.name for path in finished] == ['seed-0'] * 2

    process = start(path, work_dir)
    printed, _ = process.communicate(timeout=COMMAND_SECONDS)
    assert process.returncode == 0, printed
    log = (folder / 'train.log').read_text()
    assert re.findall(r'resumed epoch: (\d+)', log) == ['1']
    assert finished.items() < times(work_dir).items()
    configs = set()
    for result_file in times(work_dir):
        folder = result_file.parent
        origin = json.loads(result_file.read_text())['provenance']
        best = 'best' in folder.parts
        assert ('best_' in origin['checkpoint']) == best
        assert origin['seed'] == int(folder.name[-1])
        configs.add((origin['seed'], origin['config_sha256']))
        assert len((folder / 'per_image.csv').read_text().split()) == 5
        if not best:
            curve = json.loads((folder / 'validation.json').read_text())
            assert curve['sirst/IoU']['steps'] == [1, 2]
    assert len(times(work_dir)) == 4 and len(configs) == 2


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Run the tool with stubs for its tools: exit code and what is printed."""
    monkeypatch.chdir(REPO)
    (tmp_path / 'train.py').write_text(TRAIN)
    (tmp_path / 'test.py').write_text(TEST)
    monkeypatch.setattr(tool, 'TOOLS', tmp_path)

    def run(*arguments, **changes):
        path = write_study(tmp_path, **changes)
        words = ['study.py', path, '--work-dir', tmp_path / 'cells']
        monkeypatch.setattr(
            sys, 'argv', [str(w) for w in words + [*arguments]]
        )
        code = tool.main()
        return code, *capsys.readouterr()

    return run


ONE = dict(arms=dict(host={}), seeds=[0])


def test_failing_cell_is_named_and_the_others_go_on(call, tmp_path):
    code, printed, errors = call('--jobs', 2)
    assert code == 1
    assert 'synthetic/acm/host/seed-0: done' in printed
    assert 'host/seed-1: FAILED: code 3' in printed
    assert 'the loss is not finite' in printed
    assert 'best/seed-1: FAILED' in printed  # there are no weights for it
    assert '3 have failed' in errors  # and no best checkpoint for seed 0
    _, printed, _ = call('--dry-run')
    assert printed.count('train.py') == 1
    assert printed.count('GLIBC_TUNABLES=glibc.') == printed.count('\n')
    call()
    starts = {
        path.parent.name: path.read_text().splitlines()
        for path in (tmp_path / 'cells').rglob('starts')
    }
    assert len(starts['seed-0']) == 1  # finished
    first, second = starts['seed-1']
    assert '--resume' not in first
    assert '--resume' in second


def test_other_settings_are_not_gone_on_with(call):
    assert call(**ONE)[0] == 0
    code, printed, _ = call(**ONE)
    assert (code, printed) == (0, '')
    code, printed, _ = call(**ONE, options={'train_cfg.max_epochs': 2})
    assert code == 1
    assert 'begun with other settings' in printed


def test_another_study_runs_the_cell(call, tmp_path):
    folder = tmp_path / 'cells/synthetic/acm/host/seed-0'
    folder.mkdir(parents=True)
    with lock_holder(folder / 'study.lock'):
        code, printed, _ = call(arms=dict(host={}), seeds=[0, 2])
    assert code == 0
    assert 'host/seed-0: elsewhere' in printed
    assert 'host/seed-2: done' in printed


def test_array_job(call, tmp_path, monkeypatch):
    script = tmp_path / 'job.sh'
    assert call('--slurm', script)[0] == 0
    assert '--array=0-1\n' in script.read_text()
    assert 'export GLIBC_TUNABLES=glibc.malloc.' in script.read_text()
    monkeypatch.setenv('GLIBC_TUNABLES', 'of the user')
    assert 'GLIBC_TUNABLES' not in call('--dry-run')[1]
    code, printed, _ = call('--cell', 0, arms=dict(host={}))
    assert code == 0
    assert 'seed-0: done' in printed
    assert 'seed-1' not in printed
    assert call('--cell', 4)[0] == 2
