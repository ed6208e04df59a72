"""tools/cache_priors.py, with the arguments that a user gives."""

import re
import shlex

import cv2
import numpy as np
import pytest
from mmengine.config import Config, DictAction
from tool_runs import TOOLS, run_tool

from fdep_mm.priors import CacheIndex

CONFIG = (
    TOOLS.parent / 'configs/fdep/fdep_alcnet_1xb16-400e_nuaa-sirst-256x256.py'
)
TINY = [
    'model.vfm.model_name=test_vit',
    'model.vfm.out_indices=(1,3)',
    'model.vfm.pretrained=False',
]


def run(*args):
    """What the tool prints; its error is raised."""
    done = run_tool('cache_priors.py', *args)
    if done.code:
        raise SystemExit(done.err)
    return done.out


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    """Three images of the folder that the config names."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('FDEP_DATA', str(tmp_path))
    root = tmp_path / 'NUAA-SIRST'
    rng = np.random.default_rng(0)
    for folder in ('images', 'masks', 'img_idx'):
        (root / folder).mkdir(parents=True)
    for name in 'abc':
        for folder in ('images', 'masks'):
            image = rng.integers(0, 2, (48, 64), np.uint8)
            cv2.imwrite(str(root / folder / f'{name}.png'), image)
    (root / 'img_idx/train_NUAA-SIRST.txt').write_text('a\nb\nc\n')
    return tmp_path


def test_a_cache_and_the_config_that_uses_it(data):
    """As the page says, but for a small VFM."""
    page = (TOOLS.parent / 'configs/fdep/README.md').read_text()
    line = re.search(r'python tools/cache_priors\.py CONFIG (.*)\n', page)
    train = re.search(r'python tools/train\.py (.*)\n', page[line.end() :])
    args = (*shlex.split(line[1]), '--pca', 5)
    out = run(CONFIG, *args, '--device', 'cpu', '--cfg-options', *TINY)
    assert '3 images (3 run through the VFM now)' in out
    assert 'variance explained by the components: ' in out
    index = CacheIndex.read(data / 'priors/nuaa')
    assert index.layers == (1, 3) and index.channels == (5, 5)

    again = run(CONFIG, *args, '--device', 'cpu', '--cfg-options', *TINY)
    assert '3 images (0 run through the VFM now)' in again

    cfg = Config.fromfile(data / train[1])
    types = [t['type'] for t in cfg.train_dataloader.dataset.pipeline]
    assert types[:4] == [
        'fdep_mm.LoadInfraredImage',
        'fdep_mm.LoadSIRSTMask',
        'fdep_mm.LoadPrior',
        'fdep_mm.TargetCrop',
    ]
    assert types[-1] == 'fdep_mm.PackPriorInputs'
    folder = str(data / 'priors/nuaa')
    assert cfg.train_dataloader.dataset.pipeline[2]['cache'] == folder
    assert cfg.model.vfm.cache == folder
    assert cfg.model.vfm.model_name == 'test_vit'
    assert tuple(cfg.model.vfm.out_indices) == (1, 3)
    # what is tested stays as it was
    assert cfg.test_dataloader.dataset.pipeline[-1].type == 'PackSegInputs'


def test_the_written_config_has_all_settings(data):
    """Those of the command line, wherever they are."""
    options = [
        *TINY,
        'model.vfm.norm=False',
        'model.samf.act_cfg.type=GELU',
        'optim_wrapper.optimizer.lr=0.5',
        'optim_wrapper.clip_grad.max_norm=1.5',
        'train_dataloader.dataset.pipeline.2.crop_size=(32,48)',
        'work_dir=somewhere',
        'randomness.deterministic=True',
    ]
    args = ('--out', 'p', '--write-config', 'cached.py', '--device', 'cpu')
    run(CONFIG, *args, '--cfg-options', *options)
    expected = Config.fromfile(CONFIG)
    expected.merge_from_dict(
        {
            key: DictAction._parse_iterable(value)
            for key, value in (option.split('=') for option in options)
        }
    )
    found = Config.fromfile(data / 'cached.py')
    pipeline = found.train_dataloader.dataset.pipeline
    assert pipeline.pop(2)['type'] == 'fdep_mm.LoadPrior'
    assert pipeline[-1].pop('type') == 'fdep_mm.PackPriorInputs'
    expected.train_dataloader.dataset.pipeline[-1].pop('type')
    assert found.model.vfm.pop('cache') == str(data / 'p')
    for key in ('model', 'optim_wrapper', 'work_dir', 'randomness'):
        assert found[key] == expected[key], key
    assert found.train_dataloader == expected.train_dataloader


def test_wrapped_data_sets(data):
    """Each gets the priors behind its own loading transforms."""
    child = data / 'wrapped.py'
    child.write_text(
        f'_base_ = {str(CONFIG)!r}\n'
        'one = _base_.train_dataloader.dataset\n'
        "dark = dict(type='fdep_mm.RandomBrightnessContrast')\n"
        'pipeline = [*one.pipeline[:2], dark, *one.pipeline[2:]]\n'
        'few = dict(one, pipeline=pipeline)\n'
        'few = dict(type="RepeatDataset", times=2, dataset=few)\n'
        'train_dataloader = dict(dataset=dict(_delete_=True, '
        "type='ConcatDataset', datasets=[one, few]))\n"
    )
    args = ('--out', 'p', '--write-config', 'cached.py', '--device', 'cpu')
    run(child, *args, '--cfg-options', *TINY)
    cfg = Config.fromfile(data / 'cached.py')
    one, repeated = cfg.train_dataloader.dataset.datasets
    assert cfg.model.vfm.cache == str(data / 'p')
    for dataset in (one, repeated.dataset):
        types = [step.type for step in dataset.pipeline]
        assert types.index('fdep_mm.LoadPrior') == 2
        assert types.count('fdep_mm.LoadPrior') == 1
        assert types[-1] == 'fdep_mm.PackPriorInputs'
    assert types[3] == 'fdep_mm.RandomBrightnessContrast'


@pytest.mark.parametrize(
    ('option', 'text'),
    [
        ('model.vfm.input_scael=2.', "error: .*'input_scale'"),
        ('modle.vfm.norm=False', "error: .*'model'"),
        ('model.vfm.model_name.x=1', 'error: '),
        ('model.data_preprocessor.nonesuch=1', 'error: .*nonesuch'),
    ],
)
def test_misspelt_settings_are_one_line(option, text):
    with pytest.raises(SystemExit, match=text):
        run(CONFIG, '--cfg-options', *TINY, option)


def test_user_errors_are_one_line(data):
    host = CONFIG.parents[1] / 'alcnet/alcnet_1xb16-400e_nuaa-sirst-256x256.py'
    with pytest.raises(SystemExit, match='not the config of a COISDSegm'):
        run(host)
    with pytest.raises(SystemExit, match=r'error: pca=999: give 1\.\.'):
        run(CONFIG, '--pca', 999, '--cfg-options', *TINY)
    (data / 'NUAA-SIRST/images/b.png').unlink()
    with pytest.raises(SystemExit, match="^error: 1 of 3 ids.*'b'"):
        run(CONFIG, '--cfg-options', *TINY)


def test_mixed_images_are_refused(data):
    child = data / 'mixed.py'
    child.write_text(
        f'_base_ = {str(CONFIG)!r}\n'
        'inner = _base_.train_dataloader.dataset\n'
        'train_dataloader = dict(dataset=dict(_delete_=True, pipeline=[], '
        "type='MultiImageMixDataset', dataset=inner))\n"
    )
    with pytest.raises(SystemExit, match='one image of several, which stored'):
        run(child, '--device', 'cpu', '--cfg-options', *TINY)
