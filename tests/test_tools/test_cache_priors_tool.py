"""tools/cache_priors.py, with the arguments that a user gives."""

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
    args = ('--out', 'my priors', '--write-config', 'cached.py', '--pca', 5)
    out = run(CONFIG, *args, '--device', 'cpu', '--cfg-options', *TINY)
    assert '3 images (3 run through the VFM now)' in out
    assert 'variance explained by the components: ' in out
    index = CacheIndex.read(data / 'my priors')
    assert index.layers == (1, 3) and index.channels == (5, 5)

    again = run(CONFIG, *args, '--device', 'cpu', '--cfg-options', *TINY)
    assert '3 images (0 run through the VFM now)' in again

    cfg = Config.fromfile(data / 'cached.py')
    types = [t['type'] for t in cfg.train_dataloader.dataset.pipeline]
    assert types[:4] == [
        'fdep_mm.LoadInfraredImage',
        'fdep_mm.LoadSIRSTMask',
        'fdep_mm.LoadPrior',
        'fdep_mm.TargetCrop',
    ]
    assert types[-1] == 'fdep_mm.PackPriorInputs'
    folder = str(data / 'my priors')
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


def test_several_scales(data):
    args = ('--out', 'my priors', '--device', 'cpu', '--cfg-options', *TINY)
    out = run(CONFIG, '--scales', 1, 1.5, *args)
    for scale in (1.0, 1.5):
        folder = data / f'my priors_{scale:g}x'
        assert CacheIndex.read(folder).input_scale == scale
        assert str(folder) in out
    assert not (data / 'my priors').exists()

    run(CONFIG, '--scales', 1.5, '--write-config', 'cached.py', *args)
    vfm = Config.fromfile(data / 'cached.py').model.vfm
    assert (vfm.input_scale, vfm.cache) == (1.5, str(data / 'my priors_1.5x'))
    with pytest.raises(SystemExit, match='--write-config: .*one.* --scales'):
        run(CONFIG, '--scales', 1, 2, '--write-config', 'cached.py', *args)
    with pytest.raises(SystemExit, match='error: --scales: 0 is not a posi'):
        run(CONFIG, '--scales', 3, 0, *args)
    assert not (data / 'my priors_3x').exists()
    with pytest.raises(SystemExit, match='error: --scales: .*input_scale'):
        run(CONFIG, '--scales', 3, *args, 'model.vfm.input_scale=2.0')
    run(CONFIG, '--scales', 1, '--out', '.', *args[2:])
    assert CacheIndex.read(f'{data}_1x').input_scale == 1


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
    for scales in ((), ('--scales', 2)):
        with pytest.raises(SystemExit, match='not the config of a COISDSegm'):
            run(host, *scales)
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
