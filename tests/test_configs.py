"""Every config under configs/: loads, builds, and keeps the house rules."""

import copy
import functools
import re
from pathlib import Path

import pytest
import torch
import yaml
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.registry import init_default_scope

from fdep_mm.registry import DATASETS, MODELS

ROOT = Path(__file__).parents[1] / 'configs'
LEAVES = sorted(
    p for p in ROOT.rglob('*.py') if '_base_' not in p.relative_to(ROOT).parts
)
FOLDERS = sorted({p.parent for p in [*LEAVES, *ROOT.rglob('metafile.yml')]})
# the others are those of detectors, see test_detection_configs.py, and of
# what is not trained, see test_classical_segmentor.py
segmentation_leaves = pytest.mark.parametrize(
    'path',
    [
        p
        for p in LEAVES
        if '_r18_' not in p.stem
        and '_r50_' not in p.stem
        and p.parent.name != 'classical'
    ],
    ids=lambda p: p.stem,
)
BUILT = set()  # models that several leaves have in common

read = functools.cache(Config.fromfile)


def load(path: Path) -> Config:
    cfg = read(path)
    init_default_scope(cfg.default_scope)
    if cfg.model.get('backbone', {}).get('net'):  # of another package
        pytest.importorskip(cfg.model.backbone.net.partition(':')[0])
    return cfg


def test_there_are_leaves():
    assert len(LEAVES) >= 30


def test_basenames_are_unique():
    assert len({p.name for p in LEAVES}) == len(LEAVES)


def test_leaves_are_short():
    lines = {p.name: len(p.read_text().splitlines()) for p in LEAVES}
    assert not {name: count for name, count in lines.items() if count > 25}


@segmentation_leaves
def test_leaf_builds(path):
    cfg = load(path)
    key = str((cfg.model, cfg.data_preprocessor))
    if key not in BUILT:
        model = MODELS.build(copy.deepcopy(cfg.model))
        mean = torch.tensor(cfg.data_preprocessor.mean).view(-1, 1, 1)
        torch.testing.assert_close(model.data_preprocessor.mean, mean)
        BUILT.add(key)
    size = cfg.data_preprocessor.size
    assert f'{size[0]}x{size[1]}' in path.stem
    epochs = cfg.train_cfg.max_epochs
    assert f'1xb{cfg.train_dataloader.batch_size}-{epochs}e' in path.stem
    assert cfg.default_hooks.checkpoint.save_best == 'sirst/IoU'
    backends = {b.type for b in cfg.visualizer.vis_backends}
    assert backends == {'LocalVisBackend', 'TensorboardVisBackend'}
    for name in ('val_evaluator', 'test_evaluator'):
        assert Evaluator(copy.deepcopy(cfg[name])).metrics


@pytest.mark.parametrize(
    'path',
    [p for p in LEAVES if p.parent.name == 'fdep'],
    ids=lambda p: p.stem,
)
def test_fdep_leaf_is_its_host_and_a_prior(path):
    """Nothing of the host changes; test_models/ has training steps."""
    if 'oscar' in path.stem:
        pytest.importorskip('mmdet', reason='OSCAR is a detector of mmdet')
    cfg = load(path)
    prefix, host, rest = path.stem.split('_', 2)
    vfm = prefix.removeprefix('fdep').removeprefix('-') or 'dinov3-s16'
    # variants of a network share its folder
    plain = load(ROOT / host.split('-')[0] / f'{host}_{rest}.py')
    for key in plain.model:
        if key != 'type':
            assert cfg.model[key] == plain.model[key]
    for key in set(plain) - {'model'}:
        assert cfg[key] == plain[key]
    added = set(cfg.model) - set(plain.model) - {'level'}  # OSCAR's
    assert added == {'vfm', 'samf'}
    assert vfm in {p.stem for p in (ROOT / '_base_' / 'vfms').iterdir()}


@pytest.mark.parametrize(
    'path',
    sorted((ROOT / '_base_' / 'vfms').glob('*.py')),
    ids=lambda p: p.stem,
)
def test_vfm_base(path):
    """The architecture fits its out_indices; no weights are needed."""
    init_default_scope('mmseg')
    cfg = Config.fromfile(path)
    vfm = MODELS.build(cfg.vfm)
    assert len(vfm.channels) == len(cfg.vfm.out_indices) == 4
    assert cfg.vfm.out_indices[-1] <= 23
    samf = MODELS.build(
        dict(cfg.samf, in_channels=8, prior_channels=vfm.channels)
    )
    assert len(samf.blocks) == 4


def test_synthetic_leaf_needs_no_files():
    cfg = load(ROOT / 'alcnet' / 'alcnet_1xb16-12e_synthetic-128x128.py')
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    sample = dataset[0]
    assert sample['inputs'].shape == (3, 128, 128)
    assert sample['data_samples'].gt_sem_seg.data.max() <= 1


@pytest.mark.parametrize('folder', FOLDERS, ids=lambda p: p.name)
def test_metafile_lists_the_leaves_of_its_folder(folder):
    """What ``mim`` and ``::`` look-ups read; none before there is a README.

    A table of configs in the README lists them, too.
    """
    metafile = folder / 'metafile.yml'
    assert metafile.exists() == (folder / 'README.md').exists()
    if not metafile.exists():
        return
    meta = yaml.safe_load(metafile.read_text())
    readme = ROOT.parent / meta['Collections'][0]['README']
    assert readme == folder / 'README.md'
    for model in meta['Models']:
        assert Path(model['Config']).stem == model['Name']
    listed = [ROOT.parent / model['Config'] for model in meta['Models']]
    leaves = [p for p in LEAVES if p.parent == folder]
    assert sorted(listed) == leaves
    shown = re.findall(r'^\| \[(\S+)\]\(\1\.py\)', readme.read_text(), re.M)
    assert not shown or sorted(shown) == [p.stem for p in leaves]


def test_model_index_imports_every_metafile():
    index = yaml.safe_load((ROOT / 'model-index.yml').read_text())
    imported = [ROOT.parent / name for name in index['Import']]
    assert sorted(imported) == sorted(ROOT.rglob('metafile.yml'))
