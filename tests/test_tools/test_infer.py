"""tools/infer.py: exit codes, files, and user errors in one line."""

import csv
import json
import os
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from child_processes import run_python
from tool_runs import TOOLS, run_tool

from fdep_mm import apis

call = partial(run_tool, 'infer.py')


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


def search(model, *inputs, out, more=()):
    config, *weights = model
    return call(config, *inputs, *weights, '--out-dir', out, *more)


def test_folder(model, images, tmp_path):
    out = tmp_path / 'out'
    more = ['--outputs', 'json', 'csv', 'coco', 'mask', 'prob', 'overlay']
    code, stdout, stderr = search(model, images, out=out, more=more)
    assert code == 0, stderr
    assert '3 images, 0 targets' in stdout
    names = {'a/x.png', 'b/x.png', 'c.png'}
    for kind in ('masks', 'probs', 'overlays'):
        found = {p.relative_to(out / kind) for p in out.glob(f'{kind}/**/*.*')}
        assert {p.as_posix() for p in found} == names
    # results inside the folder of inputs are not searched the next time
    inside = images / 'out'
    for more in ([], ['--overwrite']):
        _, stdout, _ = search(model, images, out=inside, more=more)
        assert '3 images' in stdout
    code, _, stderr = search(model, images, out=inside)
    assert code == 2 and 'earlier results; choose another' in stderr


@pytest.fixture(scope='module')
def scenes():
    """Noise of low contrast, and a target in each at another place."""
    rng = np.random.default_rng(0)
    images = rng.integers(80, 90, (4, 48, 64), np.uint8)
    for number, image in enumerate(images):
        image[20:23, 8 + 12 * number : 11 + 12 * number] = 220
    return images


def targets_of(folder):
    with open(folder / 'targets.csv', newline='') as file:
        return [
            (row['name'], round(float(row['x'])), round(float(row['y'])))
            for row in csv.DictReader(file)
        ]


def test_targets_in_a_folder_by_a_classical_method(scenes, tmp_path):
    for number, image in enumerate(scenes):
        cv2.imwrite(str(tmp_path / f'{number}.png'), image)
    code, stdout, stderr = call('mpcm', tmp_path, '--out-dir', tmp_path)
    assert code == 0, stderr
    assert '4 images, 4 targets' in stdout
    assert targets_of(tmp_path) == [(str(i), 9 + 12 * i, 21) for i in range(4)]


def test_names_of_strangers(scenes, tmp_path, monkeypatch):
    """Options, formulas and escapes from a shell's pattern are just names."""
    monkeypatch.chdir(tmp_path)
    for name in ('--weights=-rf', '-rf', '=1+1', '@x', 'ok'):
        Path(f'{name}.png').write_bytes(cv2.imencode('.png', scenes[0])[1])
    Path('a\x1b[31m.png').touch()
    names = sorted(path.name for path in Path().glob('*.png'))
    code, stdout, stderr = call('mpcm', *names, '--out-dir', 'out')
    assert code == 1 and '5 images' in stdout
    assert r'error: a\x1b[31m.png: not a readable' in stderr
    assert '\x1b' not in stderr
    found = {name for name, *_ in targets_of(Path('out'))}
    assert found == {"'--weights=-rf", "'-rf", "'=1+1", "'@x", 'ok'}
    limit = ('--max-pixels', 48 * 64 - 1)
    code, _, stderr = call('mpcm', 'ok.png', *limit, '--out-dir', 'more')
    assert code == 1 and 'ok.png: too large, 3072 pixels' in stderr


def write_video(path, scenes):
    codec = cv2.VideoWriter_fourcc(*'MJPG')
    video = cv2.VideoWriter(str(path), codec, 10, scenes.shape[:0:-1])
    if not video.isOpened():
        pytest.skip('this OpenCV writes no MJPG')
    for image in scenes:
        video.write(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR))
    video.release()
    return path


def test_video(scenes, tmp_path):
    path = write_video(tmp_path / 'flight.avi', scenes)
    out = tmp_path / 'out'
    code, stdout, stderr = call('mpcm', path, '--out-dir', out)
    assert code == 0, stderr
    assert '4 images, 4 targets' in stdout
    assert targets_of(out) == [
        (f'flight/{i:06d}', 9 + 12 * i, 21) for i in range(4)
    ]
    assert [p.name for p in (out / 'overlays').iterdir()] == ['flight.mp4']


FULL_DISK = """
import resource, runpy, sys
# importing them takes seconds
sys.modules.update(torch=None, mmengine=None, mmcv=None)
tool = runpy.run_path({tool!r})
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
for outputs in ('mask', 'overlay', 'json'):
    sys.argv = ['infer.py', 'mpcm', {video!r}, '--out-dir', {out!r}]
    sys.argv += ['--outputs', outputs]
    print(tool['main']())
"""


@pytest.mark.skipif(os.name == 'nt', reason='needs limits of a process')
def test_full_disk(scenes, tmp_path):
    out = tmp_path / 'out'
    video = write_video(tmp_path / 'flight.avi', scenes)
    names = dict(tool=TOOLS / 'infer.py', video=video, out=out)
    code = FULL_DISK.format(**{k: str(v) for k, v in names.items()})
    result = run_python('-B', '-c', code)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == ['2'] * 3
    errors = [x for x in result.stderr.splitlines() if x[:7] == 'error: ']
    assert len(errors) == 3
    assert '0 of 4 frames could be written' in errors[1]
    assert {path.name for path in out.rglob('*.*')} == {'run.lock'}


def test_images_that_the_network_cannot_take(repo, tmp_path):
    """ALCNet of the paper needs 72 px."""
    torch = pytest.importorskip('torch')
    from mmseg.apis import init_model

    (config,) = (repo / 'configs/alcnet').glob('alcnet-orig_*400e_nuaa*.py')
    model = init_model(str(config), device='cpu')
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'w.pth')
    for name, side in (('a', 64), ('b', 96), ('c', 64)):
        image = np.full((side, side), 100, np.uint8)
        cv2.imwrite(str(tmp_path / f'{name}.png'), image)
    words = (config, tmp_path, '--weights', tmp_path / 'w.pth')
    words += ('--device', 'cpu', '--out-dir', tmp_path / 'out')
    code, stdout, stderr = call(*words, '--batch-size', 3)
    assert code == 1 and '1 images' in stdout
    assert 'a.png (64x64 px' in stderr and 'c.png (64x64 px' in stderr
    assert '2 inputs failed' in stderr


def test_errors_of_a_runtime_are_one_line(images, monkeypatch):
    def refuse(*args, **kwargs):
        raise RuntimeError('CUDA error: out of memory')

    monkeypatch.setattr(apis, 'SIRSTInferencer', refuse)
    code, _, stderr = call('mpcm', images)
    assert (code, stderr) == (2, 'error: CUDA error: out of memory\n')


def test_threshold_and_tiles(model, images, tmp_path):
    more = ['--threshold', '0', '--tile-above', '30', '--tile-size', '32']
    more += ['--overlap', '8', '--batch-size', '3', '--no-progress']
    code, stdout, stderr = search(
        model, images / 'c.png', out=tmp_path, more=more
    )
    assert (code, stderr) == (0, '') and '1 images, 1 targets' in stdout
    content = json.loads((tmp_path / 'predictions.json').read_text())
    (target,) = content['images'][0]['targets']
    assert target['area'] == 40 * 50


def test_unreadable_file_in_the_middle(model, images, tmp_path):
    (images / 'b' / 'x.png').write_bytes(b'damaged')
    code, stdout, stderr = search(model, images, out=tmp_path / 'out')
    assert code == 1
    assert '2 images' in stdout
    assert 'x.png: not a readable image' in stderr
    assert '1 inputs failed' in stderr
    content = json.loads((tmp_path / 'out/predictions.json').read_text())
    assert len(content['images']) == 2 and len(content['failures']) == 1


def test_user_errors_are_one_line(model, images, tmp_path):
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'file').write_text('')
    (tmp_path / 'w.pth').write_bytes(b'damaged')
    config, *weights = model
    good = (config, images, *weights)
    for words, message in (
        ((config, images), 'give the checkpoint with --weights'),
        ((weights[1], images), 'hold no config: name theirs'),
        (('lost.py', images, *weights), "model 'lost.py': no such file"),
        (('lost.ONNX', images), "model 'lost.ONNX': no such file"),
        (('mpcn', images), 'There are: mpcm'),
        ((config, 'lost.png', *weights), 'lost.png: no such file'),
        ((config, tmp_path / 'empty', *weights), 'holds no image'),
        ((config, images, '--weights', 'lost'), "'lost': no such file"),
        ((config, images, '--weights', tmp_path / 'w.pth'), 'w.pth: damaged'),
        ((*good, '--threshold', '2'), 'threshold=2.0'),
        ((*good, '--batch-size', '0'), 'batch_size=0'),
        ((*good, '--overlap', '512'), 'overlap=512'),
        ((*good, '--out-dir', tmp_path / 'file/out'), 'cannot be written'),
        ((tmp_path / 'file', images, '--weights', 'x'), 'no such file'),
    ):
        code, _, stderr = call(*words)
        (line,) = [x for x in stderr.splitlines() if x.startswith('error')]
        assert code == 2 and message in line, stderr


def test_files_that_are_no_config(images, model, tmp_path):
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
