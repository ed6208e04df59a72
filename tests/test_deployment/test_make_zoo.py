"""A checkpoint becomes a network that loads by its name, everywhere."""

import json
import runpy
import sys

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import load_checkpoint
from safetensors import safe_open
from test_onnx_backend import run_without_torch

from fdep_mm import zoo
from fdep_mm.apis import SIRSTInferencer
from fdep_mm.apis.opening import open_backend
from fdep_mm.apis.torch_backend import TorchBackend
from fdep_mm.priors.identity import weights_sha256
from fdep_mm.registry import MODELS

OSCAR = 'oscar_r18_fpn-32_1xb16-12e_synthetic-128x128'
FDEP = 'fdep-efficientnet-lite0_acm_1xb16-12e_synthetic-128x128'
INFO = dict(
    data='some images',
    recipe='none',
    seed=3,
    weaknesses='not trained',
    scores=[
        dict(data='nuaa-sirst', split='test', IoU=12.34, Fa=56.78),
        dict(data='sirst-v2', split='test', IoU=90.12, mNoCoAP=34.56),
    ],
)


@pytest.fixture(scope='module')
def run(repo, tmp_path_factory):
    """Run a tool in this process, with a zoo of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zoo, 'FOLDER', tmp_path_factory.mktemp('zoo'))
        patch.syspath_prepend(repo / 'tools')  # test.py imports train.py

        def call(tool, *words):
            patch.setattr(sys, 'argv', [tool, *map(str, words)])
            return runpy.run_path(str(repo / 'tools' / tool))['main']()

        yield call


@pytest.fixture(scope='module')
def info(tmp_path_factory):
    path = tmp_path_factory.mktemp('info') / 'info.json'
    path.write_text(json.dumps(INFO))
    return path


@pytest.fixture(scope='module')
def make(run, info):
    def call(*words, info=info):
        words = (*words[:3], info, *words[3:])
        tool = 'model_converters/make_zoo.py'
        return run(tool, *words, '--out-dir', zoo.FOLDER)

    return call


@pytest.fixture(scope='module')
def name(make, acm_config, acm_weights):
    assert make(acm_config, acm_weights, 'acm_made-up', '--onnx') == 0
    return 'acm_made-up'


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    return rng.uniform(60, 140, (2, 50, 77, 3)).astype(np.float32)


def test_a_name_stands_for_config_and_weights(
    name, acm_config, acm_weights, images
):
    expected = TorchBackend(str(acm_config), acm_weights, 'cpu')
    for words in (
        (name,),
        (None, name),
        (str(acm_config), name),
        (zoo.find(name),),
    ):
        found = SIRSTInferencer(*words, device='cpu').backend
        np.testing.assert_array_equal(found(images), expected(images))
        assert found.threshold == expected.threshold
    card = zoo.read_card(zoo.find(name))
    assert INFO.items() <= card.items()
    assert card['sha256'] == weights_sha256(expected.model)


def test_mmengine_loads_it(name, acm_config, acm_weights):
    cfg = Config.fromfile(acm_config)
    init_default_scope('mmseg')
    model = MODELS.build(cfg.model)
    load_checkpoint(model, name, strict=True)
    state = torch.load(acm_weights, weights_only=True)
    for key, value in model.state_dict().items():
        assert torch.equal(value, state[key]), key
    with pytest.raises(FileNotFoundError, match='acm_made-up'):
        load_checkpoint(model, 'acm_made')


def test_a_test_by_name(
    run, make, name, acm_config, acm_weights, tmp_path, capsys
):
    scores = []
    for weights in (name, acm_weights):
        out = tmp_path / str(len(scores))
        options = [
            f'test_dataloader.{option}'
            for option in (
                'num_workers=0',
                'persistent_workers=False',
                'dataset.num_images=2',
            )
        ]
        words = (acm_config, weights, '--work-dir', out, '--cfg-options')
        run('test.py', *words, *options)
        (path,) = out.glob('*/result.json')
        scores.append(json.loads(path.read_text())['scores'])
    assert scores[0] == scores[1]
    # what the test has written becomes the scores of an entry
    tested = dict(data='x', split='test', result=str(path))
    content = json.dumps({**INFO, 'scores': [tested]})
    (tmp_path / 'info.json').write_text(content)
    words = (acm_config, acm_weights, 'acm_scored')
    assert make(*words, info=tmp_path / 'info.json') == 0
    (score,) = zoo.read_card(zoo.find('acm_scored'))['scores']
    assert score.keys() == {'data', 'split', 'IoU', 'nIoU', 'Pd', 'Fa', 'HSE'}
    assert score['nIoU'] == pytest.approx(100 * scores[0]['nIoU'], abs=0.005)
    torch.save(torch.load(acm_weights), tmp_path / 'other.pth')
    words = (acm_config, tmp_path / 'other.pth', 'acm_scored')
    assert make(*words, info=tmp_path / 'info.json') == 2
    assert 'another checkpoint' in capsys.readouterr().err


def test_the_table(run, name, capsys):
    assert run('infer.py', '--list') == 0
    header, *rows = (
        [cell.strip() for cell in line.split('|')[1:-1]]
        for line in capsys.readouterr().out.splitlines()
        if line.startswith('|')
    )
    start = [row[0] for row in rows].index(name)
    first, second = rows[start : start + 2]
    assert first[1] == 'some images'
    row = dict(zip(header, first, strict=True))
    assert (row['IoU'], row['Fa'], row['mNoCoAP']) == ('12.3', '56.8', '')
    row = dict(zip(header, second, strict=True))
    assert (row['scored on'], row['mNoCoAP']) == ('sirst-v2 test', '34.6')


def test_example_frames_without_inputs(run, name, tmp_path, capsys):
    words = ('--device', 'cpu', '--out-dir', tmp_path, '--outputs', 'json')
    assert run('infer.py', name, *words) == 0
    printed = capsys.readouterr().out
    assert str(zoo.EXAMPLES) in printed and '3 images' in printed
    # inputs may come after options
    words = (*words[:-2], '--overwrite')
    assert run('infer.py', name, *words, zoo.EXAMPLES) == 0


WITHOUT_TORCH = """
import sys
sys.path[:0] = {paths!r}
from pathlib import Path
import numpy as np
from fdep_mm import zoo
from fdep_mm.apis import SIRSTInferencer
zoo.FOLDER = Path({folder!r})
run = SIRSTInferencer({name!r}, show_progress=False)
assert 'torch' not in sys.modules
np.save({out!r}, run.backend(np.load({images!r})))
Path({onnx!r}).unlink()
try:
    SIRSTInferencer({name!r})
except ImportError as error:
    print(error)
"""


def test_without_torch_it_is_the_onnx_file(
    make, acm_config, acm_weights, images, repo, tmp_path
):
    make(acm_config, acm_weights, 'acm_onnx', '--onnx')
    np.save(tmp_path / 'images.npy', images)
    printed = run_without_torch(
        WITHOUT_TORCH,
        repo,
        tmp_path,
        folder=str(zoo.FOLDER),
        name='acm_onnx',
        onnx=str(zoo.FOLDER / 'acm_onnx.onnx'),
        images=str(tmp_path / 'images.npy'),
        out=str(tmp_path / 'prob.npy'),
    )
    expected = open_backend('acm_onnx', device='cpu')(images)
    found = np.load(tmp_path / 'prob.npy')
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert "acm_onnx.safetensors' needs PyTorch" in printed


def test_only_the_light_branch_is_kept(
    make, repo, acm_weights, images, tmp_path
):
    state = torch.load(acm_weights, weights_only=True)
    more = {'samf.a': torch.zeros(3), 'vfm.b': torch.zeros(3)}
    torch.save(dict(state_dict=state | more), tmp_path / 'fdep.pth')
    config = repo / f'configs/fdep/{FDEP}.py'
    assert make(config, tmp_path / 'fdep.pth', 'acm_fdep') == 0
    with safe_open(zoo.find('acm_fdep'), 'pt') as file:
        assert set(file.keys()) == set(state)
        assert 'vfm' not in file.metadata()['cfg']
    found = open_backend('acm_fdep', device='cpu')
    expected = TorchBackend(config, acm_weights, 'cpu')
    np.testing.assert_array_equal(found(images), expected(images))


def test_a_detector_in_16_bits(make, repo, images, tmp_path):
    pytest.importorskip('mmdet')
    config = repo / f'configs/oscar/{OSCAR}.py'
    cfg = Config.fromfile(config)
    init_default_scope('mmdet')
    model = MODELS.build(cfg.model).half().float()
    torch.save(model.state_dict(), tmp_path / 'oscar.pth')
    words = (config, tmp_path / 'oscar.pth', 'oscar')
    assert make(*words) == 2  # too large
    assert make(*words, '--half') == 0
    found = open_backend('oscar', device='cpu')(images)
    expected = TorchBackend(config, tmp_path / 'oscar.pth', 'cpu')(images)
    for one, other in zip(found, expected, strict=True):
        assert len(one)
        np.testing.assert_array_equal(one, other)


def test_unknown_names_and_names_of_files(name, tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match='There are: acm_made-up'):
        SIRSTInferencer('acm_made_up')
    with pytest.raises(FileNotFoundError, match='There are: mpcm'):
        SIRSTInferencer('mpcn')
    with pytest.raises(FileNotFoundError, match='There are: acm_made-up'):
        SIRSTInferencer(None, 'made-up')
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'images').mkdir()
    with pytest.raises(FileNotFoundError, match="such as 'alcnet images'"):
        SIRSTInferencer('images')
    (tmp_path / name).touch()
    for words in ((name,), (None, name)):
        with pytest.raises(FileExistsError, match=f'./{name}'):
            SIRSTInferencer(*words)


def test_wrong_input(make, acm_config, acm_weights, tmp_path, capsys):
    info = tmp_path / 'info.json'
    info.write_text(json.dumps({**INFO, 'scores': [dict(data='x')]}))
    words = (acm_config, acm_weights)
    for name, options, message in (
        ('a/b', {}, 'letters, digits'),
        ('mpcm', {}, 'classical method'),
        ('new', dict(info=info), 'split missing'),
        ('new', dict(info=tmp_path / 'lost.json'), 'lost.json'),
    ):
        before = zoo.files()
        assert make(*words, name, **options) == 2
        assert message in capsys.readouterr().err
        assert zoo.files() == before
