"""The base configs of boxes, up to a batch and through the metric."""

import copy

import cv2
import numpy as np
import pytest
import torch
from mmengine import Config
from mmengine.evaluator import Evaluator
from mmengine.registry import DATASETS, init_default_scope
from mmengine.runner import Runner
from mmengine.structures import InstanceData

from fdep_mm.evaluation import noco_map

pytest.importorskip('mmdet.models')
pytest.importorskip('fdep_mm.detection')

SIZES = {
    'sirst-v2_det': ('sirst-v2', 2304, 256),
    'nuaa-sirst_det': ('NUAA-SIRST', 639, 214),
    'synthetic_det': ('', 640, 160),
}


@pytest.fixture
def base(repo, request, monkeypatch):
    """A function that loads a base config, if its data are there."""
    init_default_scope('mmdet')

    def load(name):
        folder = SIZES[name][0]
        if folder:
            # not an argument: made data need no real ones
            find_data = request.getfixturevalue('find_data')
            monkeypatch.setenv('FDEP_DATA', str(find_data(folder).parent))
        return Config.fromfile(repo / f'configs/_base_/datasets/{name}.py')

    return load


def loader(cfg):
    cfg = dict(copy.deepcopy(cfg), num_workers=0, persistent_workers=False)
    return Runner.build_dataloader(cfg, seed=0)


@pytest.mark.parametrize('name', SIZES)
def test_training_batch(base, name):
    cfg = base(name)
    assert 'model' not in cfg
    batches = loader(cfg.train_dataloader)
    assert len(batches.dataset) == SIZES[name][1]
    batch = next(iter(batches))
    for image, sample in zip(
        batch['inputs'], batch['data_samples'], strict=True
    ):
        noco = sample.gt_noco.data
        assert noco.shape == (1, *image.shape[1:])
        boxes = sample.gt_instances.bboxes.tensor
        expected = noco_map(image.permute(1, 2, 0).numpy(), boxes.numpy())
        np.testing.assert_allclose(noco[0], expected, atol=1e-6)
        if name != 'synthetic_det':
            height, width = image.shape[1:]
            assert (max(height, width) == 1000) | (min(height, width) == 600)


@pytest.fixture
def small(repo, make_sirst, tmp_path):
    """A function from a base config and a loader to six training images."""
    init_default_scope('mmdet')
    root = make_sirst(tmp_path)

    def load(name, first=None):
        path = repo / f'configs/_base_/datasets/{name}.py'
        pipeline = Config.fromfile(path).train_pipeline
        dataset = DATASETS.build(
            dict(
                type='fdep_mm.SIRSTDetDataset',
                data_root=str(root),
                data_prefix=dict(img_path='images', seg_map_path='masks'),
                box_source='mask',
                pipeline=[first or pipeline[0], *pipeline[1:]],
            )
        )
        np.random.seed(0)
        return torch.stack([dataset[i]['inputs'] for i in range(6)])

    return root / 'images/Misc_0.png', load


@pytest.mark.parametrize('name', ['sirst_det', 'sirst-v2_det_320x320'])
def test_8_bit_files_as_of_mmcv(small, name):
    path, load = small
    image = cv2.imread(str(path))
    cv2.imwrite(str(path), np.dstack([image[..., :2], image[..., 0] // 2]))
    own, theirs = load(name), load(name, dict(type='LoadImageFromFile'))
    assert own.dtype == torch.uint8 and torch.equal(own, theirs)


def test_14_bit_files_are_told(small, monkeypatch):
    monkeypatch.setattr('fdep_mm.core.gray._told', set())
    path, load = small
    cv2.imwrite(str(path), cv2.imread(str(path), 0).astype(np.uint16) * 64)
    with pytest.warns(UserWarning, match=r'set gray_range=\('):
        load('sirst_det')


@pytest.mark.parametrize('name', SIZES)
def test_true_boxes_through_the_metric(base, name):
    """Ground truth of the test pipeline is in original coordinates."""
    cfg = base(name)
    dataset = DATASETS.build(dict(cfg.test_dataloader.dataset, indices=40))
    evaluator = Evaluator(cfg.test_evaluator)
    evaluator.dataset_meta = dataset.metainfo
    targets = 0
    for i in range(len(dataset)):
        sample = dataset[i]['data_samples']
        assert 'gt_noco' not in sample and 'scale_factor' in sample
        boxes = sample.gt_instances.bboxes.tensor
        sample.pred_instances = InstanceData(
            bboxes=boxes,
            scores=torch.ones(len(boxes)),
            labels=torch.zeros(len(boxes), dtype=torch.long),
        )
        targets += len(boxes)
        evaluator.process([sample])
    result = evaluator.evaluate(len(dataset))
    assert targets > 15
    assert result['sirst/NoCoAP10'] > 0.95
    assert result['pixel/mNoCoAP'] > result['sirst/mNoCoAP'] > 0.5
    assert len(result) == 20


def test_sirst_v2_keeps_images_without_targets(base):
    cfg = base('sirst-v2_det').train_dataloader
    assert cfg.batch_size == 4 and cfg.dataset.times == 3
    assert cfg.batch_sampler.type == 'AspectRatioBatchSampler'
    dataset = DATASETS.build(cfg.dataset.dataset)
    assert len(dataset) == 768
    assert len(loader(cfg)) == 576


def test_synthetic_needs_no_data(base, monkeypatch):
    monkeypatch.setenv('FDEP_DATA', '/nowhere')
    sets = [
        DATASETS.build(
            dict(
                base('synthetic_det')[f'{split}_dataloader'].dataset,
                num_images=3,
            )
        )
        for split in ('train', 'val', 'test')
    ]
    images = [dataset[0]['inputs'] for dataset in sets]
    assert not torch.equal(images[0], images[1])
    assert not torch.equal(images[1], images[2])
