"""The base configs of the data sets, on miniatures and on real data."""

import numpy as np
import pytest
import torch
from mmengine import Config
from mmengine.registry import DATASETS
from mmengine.runner import Runner
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
SIRST3 = ('NUAA-SIRST', 'NUDT-SIRST', 'IRSTD-1K')


@pytest.fixture
def base(repo):
    return lambda name: Config.fromfile(
        repo / f'configs/_base_/datasets/{name}.py'
    )


def make_v2(folder, root):
    """Rearrange a miniature into the layout of SIRST-V2."""
    target = root / 'sirst-v2'
    (target / 'annotations').mkdir(parents=True)
    (folder / 'images').rename(target / 'mixed')
    (folder / 'masks').rename(target / 'annotations/masks')
    for path in list((target / 'annotations/masks').iterdir()):
        path.rename(path.with_name(f'{path.stem}_pixels0.png'))
    (folder / 'img_idx').rename(target / 'splits')
    for old, new in (('train', 'trainval_full'), ('test', 'test_full')):
        path = target / f'splits/{old}_NUAA-SIRST.txt'
        path.rename(target / f'splits/{new}.txt')


@pytest.mark.parametrize(
    ('name', 'parts', 'train', 'test'),
    [
        ('nuaa-sirst', SIRST3[:1], 4, 2),
        ('nudt-sirst', SIRST3[1:2], 4, 2),
        ('irstd-1k', SIRST3[2:], 4, 2),
        ('sirst3', SIRST3, 12, 6),
        ('sirst-v2', SIRST3[:1], 4, 2),
        ('synthetic', (), 640, 160),
    ],
)
def test_miniature(
    base, tmp_path, monkeypatch, make_sirst, name, parts, train, test
):
    root = tmp_path / 'data sets'
    folders = [make_sirst(root, part) for part in parts]
    if name == 'sirst-v2':
        make_v2(folders[0], root)
    monkeypatch.setenv('FDEP_DATA', str(root))
    cfg = base(name)
    assert 'model' not in cfg
    sets = [DATASETS.build(cfg[loader].dataset) for loader in LOADERS]
    assert [len(dataset) for dataset in sets] == [train, test, test]
    sample = sets[0][train - 1]
    assert sample['inputs'].shape == (3, *cfg.crop_size)
    assert sample['data_samples'].gt_sem_seg.shape == cfg.crop_size
    if name != 'synthetic':
        assert sets[2][0]['inputs'].shape == (3, 40, 52)
        assert sets[0][0]['data_samples'].img_path.startswith(str(root))


@pytest.mark.parametrize(
    ('name', 'sizes'),
    [
        ('nuaa-sirst', [213, 214, 214]),
        ('nudt-sirst', [663, 664, 664]),
        ('sirst-v2', [768, 256, 256]),
    ],
)
def test_real(base, data_root, find_data, monkeypatch, name, sizes):
    monkeypatch.setenv('FDEP_DATA', str(data_root))
    cfg = base(name)
    find_data(cfg.train_dataloader.dataset.data_root)
    sets = [DATASETS.build(cfg[loader].dataset) for loader in LOADERS]
    assert [len(dataset) for dataset in sets] == sizes
    for dataset in sets:
        assert dataset[0]['data_samples'].gt_sem_seg.data.max() <= 1


def test_data_folder_without_the_variable(base, monkeypatch):
    monkeypatch.delenv('FDEP_DATA', raising=False)
    root = base('nuaa-sirst').train_dataloader.dataset.data_root
    assert root == 'data/NUAA-SIRST/'


@pytest.mark.parametrize(
    'name',
    ['nuaa-sirst', 'nudt-sirst', 'irstd-1k', 'sirst3', 'sirst-v2'],
)
def test_padding_is_black_in_training_and_test(base, name):
    cfg = base(name).data_preprocessor
    preprocessor = MODELS.build(cfg)
    black = -cfg.mean[0] / cfg.std[0]
    data = dict(
        inputs=[torch.full((3, 40, 52), cfg.mean[0])],
        data_samples=[SegDataSample()],
    )
    inputs = preprocessor(data)['inputs']
    assert inputs.shape == (1, 3, 64, 64)
    assert inputs[..., :40, :52].abs().max() < 1e-5
    assert torch.allclose(inputs[..., 40:, :], torch.tensor(black))


def test_synthetic_constants(base):
    """Mean and std of the config are those of the training images."""
    cfg = base('synthetic')
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    images = [dataset.make_scene(i)[0] for i in range(len(dataset))]
    mean = np.mean([image.mean() for image in images])
    std = np.mean([image.std() for image in images])
    assert cfg.data_preprocessor.mean[0] == pytest.approx(mean, abs=0.1)
    assert cfg.data_preprocessor.std[0] == pytest.approx(std, abs=0.1)


def test_loader_gives_the_same_batches_under_one_seed(base):
    cfg = base('synthetic').train_dataloader
    cfg.dataset.num_images = 32

    def batches():
        np.random.seed(0)
        loader = Runner.build_dataloader(cfg, seed=7)
        return [torch.stack(batch['inputs']) for batch in loader]

    first, second = batches(), batches()
    assert len(first) == 2 and first[0].shape == (16, 3, 128, 128)
    assert all(map(torch.equal, first, second))
