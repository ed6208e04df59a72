"""tools/train.py and tools/test.py, run as a user runs them."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image
from tool_runs import run_tool

TOOLS = Path(__file__).parents[2] / 'tools'
TINY = ['train_cfg.val_interval=1', 'param_scheduler=None'] + [
    f'{loader}_dataloader.{setting}'
    for loader in ('train', 'val', 'test')
    for setting in (
        'num_workers=0',
        'persistent_workers=False',
        'dataset.num_images=4',
    )
]
# The same host on image files: {config} is the parent.
ON_FILES = """
_base_ = {config!r}
test_dataloader = dict(
    num_workers=0, persistent_workers=False,
    dataset=dict(
        _delete_=True, type='fdep_mm.SIRSTDataset', data_root='data',
        test_mode=True,
        data_prefix=dict(img_path='images', seg_map_path='masks'),
        pipeline=[
            dict(type='fdep_mm.LoadInfraredImage'),
            dict(type='fdep_mm.LoadSIRSTMask'),
            dict(type='PackSegInputs')]))
"""


def _train(config, cwd, epochs, *options):
    settings = *TINY, f'train_cfg.max_epochs={epochs}'
    args = (*options, '--cfg-options', *settings)
    result = run_tool('train.py', config, *args, cwd=cwd)
    assert result.code == 0, result.err
    return result.log


@pytest.fixture(scope='module')
def config(repo):
    (path,) = (repo / 'configs/alcnet').glob('alcnet_*synthetic*.py')
    return path


@pytest.fixture(scope='module')
def weights(config, tmp_path_factory):
    """What three epochs leave, two of them after a resume."""
    folder = tmp_path_factory.mktemp('some project')
    _train(config, folder, 1)
    setting = ('--cfg-options', 'resume=True')
    for ended, words in (1, ['--resume']), (2, setting):
        log = _train(config, folder, ended + 1, *words)
        assert f'resumed epoch: {ended}' in log
    return folder / 'work_dirs' / config.stem / 'epoch_3.pth'


def test_masks_and_pictures_are_written(config, weights, tmp_path):
    rng = np.random.default_rng(0)
    for folder in ('images', 'masks'):
        (tmp_path / 'data' / folder).mkdir(parents=True)
        for name in ('a.png', 'b.png'):
            image = Image.fromarray(rng.integers(0, 2, (40, 50), np.uint8))
            image.save(tmp_path / 'data' / folder / name)
    child = tmp_path / 'child.py'
    child.write_text(ON_FILES.format(config=str(config)))
    args = ('--checkpoint', weights, '--out', 'out', '--show-dir', 'show')
    result = run_tool('test.py', child, *args, cwd=tmp_path)
    assert result.code == 0, result.err
    assert 'sirst/IoU' in result.log
    masks = sorted((tmp_path / 'out').iterdir())
    assert [path.name for path in masks] == ['a.png', 'b.png']
    mask = np.asarray(Image.open(masks[0]))
    assert mask.shape == (40, 50) and set(np.unique(mask)) <= {0, 255}
    assert 'Could not import' not in result.log
    # each once, beside the curves
    pictures = sorted((tmp_path / 'show').rglob('*.png'))
    assert [path.name for path in pictures] == [
        'hse_curves_test_0.png',
        'test_a.png_1.png',
        'test_b.png_2.png',
    ]
    assert not list((tmp_path / 'show').rglob('events*'))


def test_pictures_and_probabilities_of_data_without_files(
    config, weights, tmp_path
):
    args = ('--show-dir', 'show', '--out-probs', 'preds')
    result = run_tool(
        'test.py', config, weights, *args, '--cfg-options', *TINY, cwd=tmp_path
    )
    assert result.code == 0, result.err
    pictures = list((tmp_path / 'show').rglob('test_*.png'))
    assert len(pictures) == 4
    for kind in ('images', 'probs', 'masks'):
        files = sorted((tmp_path / 'preds' / kind).iterdir())
        assert [path.stem for path in files] == [f'{i:05d}' for i in range(4)]
    image = np.asarray(Image.open(tmp_path / 'preds/images/00000.png'))
    assert image.shape[:2] == (128, 128) and image.std() > 5


def test_a_network_by_name_sees_what_it_was_trained_on(config, tmp_path):
    words = ('alcnet', '--cfg-options', *TINY)
    result = run_tool('test.py', config, *words, cwd=tmp_path)
    assert result.code == 0, result.err
    assert "mean=[105.44, 105.44, 105.44], as in the training of 'alcnet'" in (
        result.out
    )
    assert 'was trained with data_preprocessor' not in result.log


def test_which_networks_bring_their_normalization(
    config, monkeypatch, tmp_path
):
    """Those of the package, in configs of their kind; not files, not none."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(TOOLS)
    use_weights = runpy.run_path(str(TOOLS / 'test.py'))['use_weights']
    (tmp_path / 'weights').touch()

    def normalization(path, change):
        cfg = Config.fromfile(config)
        cfg.merge_from_dict(change)
        use_weights(cfg, path)
        keys = ('mean', 'std', 'pad_val', 'bgr_to_rgb')
        return [cfg.model.data_preprocessor.get(key) for key in keys]

    own = normalization('weights', {})
    stored = [[105.44] * 3, [35.35] * 3, -105.44 / 35.35, True]
    assert normalization('alcnet', {}) == stored != own
    detector = {'model.data_preprocessor.type': 'DetDataPreprocessor'}
    assert normalization('alcnet', detector) == own
    classical = {'model.type': 'fdep_mm.ClassicalSegmentor'}
    assert normalization('none', classical) == own


@pytest.mark.parametrize(
    ('tool', 'args', 'message'),
    [
        ('train.py', ['CONFIG', '--amp'], 'error: mixed precision (--amp)'),
        ('train.py', ['none.py'], "error: config 'none.py': no such file"),
        ('test.py', ['CONFIG'], 'error: no checkpoint: name a file'),
        ('test.py', ['CONFIG', 'a.pth'], "checkpoint 'a.pth': no such file"),
    ],
)
def test_user_errors_are_one_line(config, tmp_path, tool, args, message):
    args = [str(config) if arg == 'CONFIG' else arg for arg in args]
    result = run_tool(tool, *args, cwd=tmp_path)
    assert result.code == 2
    assert message in result.err.splitlines()[-1]
    assert not list(tmp_path.iterdir())
