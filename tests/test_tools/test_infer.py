"""tools/infer.py: exit codes, files, and user errors in one line."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

SCRIPT = Path(__file__).parents[2] / 'tools/infer.py'
SPEC = importlib.util.spec_from_file_location('infer_tool', SCRIPT)
infer_tool = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(infer_tool)


@pytest.fixture
def call(monkeypatch, capsys):
    """Run the tool; returns exit code, stdout and stderr."""

    def run(*arguments):
        words = ['infer.py', *map(str, arguments)]
        monkeypatch.setattr(sys, 'argv', words)
        code = infer_tool.main()
        return code, *capsys.readouterr()

    return run


@pytest.fixture(scope='module')
def model(repo, tmp_path_factory):
    """The words that name a config and its checkpoint."""
    torch = pytest.importorskip('torch')
    from mmseg.apis import init_model

    config = repo / 'configs/acm/acm_1xb16-12e_synthetic-128x128.py'
    weights = tmp_path_factory.mktemp('weights') / 'epoch_1.pth'
    state = init_model(str(config), device='cpu').state_dict()
    torch.save(dict(state_dict=state), weights)
    return config, '--weights', weights, '--device', 'cpu'


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / 'my images'
    rng = np.random.default_rng(0)
    for name in ('a/x.png', 'b/x.png', 'c.png'):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        image = rng.integers(0, 256, (40, 50), np.uint8)
        cv2.imwrite(str(folder / name), image)
    return folder


def search(call, model, *inputs, out, more=()):
    config, *weights = model
    return call(config, *inputs, *weights, '--out-dir', out, *more)


def test_folder(call, model, images, tmp_path):
    out = tmp_path / 'out'
    more = ['--outputs', 'json', 'csv', 'coco', 'mask', 'prob', 'overlay']
    code, stdout, stderr = search(call, model, images, out=out, more=more)
    assert code == 0, stderr
    assert '3 images, 0 targets' in stdout
    names = {'a/x.png', 'b/x.png', 'c.png'}
    for kind in ('masks', 'probs', 'overlays'):
        found = {p.relative_to(out / kind) for p in out.glob(f'{kind}/**/*.*')}
        assert {p.as_posix() for p in found} == names
    # results inside the folder of inputs are not searched the next time
    inside = images / 'out'
    for _ in range(2):
        _, stdout, _ = search(call, model, images, out=inside)
        assert '3 images' in stdout


def test_threshold_and_tiles(call, model, images, tmp_path):
    more = ['--threshold', '0', '--tile-above', '30', '--tile-size', '32']
    more += ['--overlap', '8', '--batch-size', '3', '--no-progress']
    code, stdout, stderr = search(
        call, model, images / 'c.png', out=tmp_path, more=more
    )
    assert (code, stderr) == (0, '') and '1 images, 1 targets' in stdout
    content = json.loads((tmp_path / 'predictions.json').read_text())
    (target,) = content['images'][0]['targets']
    assert target['area'] == 40 * 50


def test_unreadable_file_in_the_middle(call, model, images, tmp_path):
    (images / 'b' / 'x.png').write_bytes(b'damaged')
    code, stdout, stderr = search(call, model, images, out=tmp_path / 'out')
    assert code == 1
    assert '2 images' in stdout
    assert 'x.png: not a readable image' in stderr
    assert '1 inputs failed' in stderr
    content = json.loads((tmp_path / 'out/predictions.json').read_text())
    assert len(content['images']) == 2 and len(content['failures']) == 1


def test_user_errors_are_one_line(call, model, images, tmp_path):
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'file').write_text('')
    (tmp_path / 'w.pth').write_bytes(b'damaged')
    config, *weights = model
    good = (config, images, *weights)
    for words, message in (
        ((config, images), 'name its checkpoint with --weights'),
        (('lost.py', images, *weights), "model 'lost.py': no such file"),
        ((config, 'lost.png', *weights), 'lost.png: no such file'),
        ((config, tmp_path / 'empty', *weights), 'holds no image'),
        ((config, images, '--weights', 'lost'), "weights 'lost': no such"),
        ((config, images, '--weights', tmp_path / 'w.pth'), 'not a PyTorch'),
        ((*good, '--threshold', '2'), 'threshold=2.0'),
        ((*good, '--batch-size', '0'), 'batch_size=0'),
        ((*good, '--overlap', '512'), 'overlap=512'),
        ((*good, '--out-dir', tmp_path / 'file/out'), 'cannot be written'),
        ((tmp_path / 'file', images, '--weights', 'x'), 'no such file'),
    ):
        code, _, stderr = call(*words)
        (line,) = [x for x in stderr.splitlines() if x.startswith('error')]
        assert code == 2 and message in line, stderr


def test_files_that_are_no_config(call, images, model, tmp_path):
    for name, text, message in (
        ('a.py', 'model = (', 'cannot be read (SyntaxError'),
        ('b.txt', '', 'cannot be read'),
        ('c.py', 'x = 1', 'holds no model'),
        ('d.py', "model = dict(type='Nonsense')", 'cannot be built'),
    ):
        (tmp_path / name).write_text(text)
        code, _, stderr = call(tmp_path / name, images, *model[1:])
        assert code == 2 and stderr.startswith('error: ')
        assert message in stderr, stderr


def test_help_in_a_process(tmp_path):
    env = {**os.environ, 'PYTHONPATH': str(SCRIPT.parents[1])}
    result = subprocess.run(
        [sys.executable, str(SCRIPT), '--help'],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=env,
    )
    assert result.returncode == 0
    assert 'Examples:' in result.stdout and 'Exit codes:' in result.stdout
