"""The hook in a real runner: files, backends, table, and clear errors."""

import json

import cv2
import numpy as np
import pytest
import torch
from mmengine.model import BaseModel
from mmengine.runner import Runner
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch.utils.data import Dataset

from fdep_mm.engine import HSEHook
from fdep_mm.visualization.overlay import HIT

SCORES = {'HSE', 'HSE_P', 'HSE_T', 'IoU', 'nIoU', 'Pd', 'Fa'}


class Scenes(Dataset):
    """Six dark images with one bright 3 x 3 target each."""

    metainfo = {}

    def __init__(self, folder=None):
        self.folder = folder

    def __len__(self):
        return 6

    def __getitem__(self, index):
        image = np.full((32, 40), 10, np.uint8)
        image[4 + index : 7 + index, 10:13] = 250
        mask = torch.from_numpy((image > 100).astype(np.uint8))
        sample = SegDataSample(gt_sem_seg=PixelData(data=mask[None]))
        if self.folder is not None:
            path = str(self.folder / f'scene {index}.png')
            cv2.imwrite(path, image)
            sample.set_metainfo(dict(img_path=path))
        inputs = torch.from_numpy(image)[None].repeat(3, 1, 1)
        return dict(inputs=inputs, data_samples=sample)


class Brightness(BaseModel):
    """Probability = brightness; as mmseg returns it."""

    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.tensor(1.0))

    def forward(self, inputs, data_samples=None, mode='tensor'):
        inputs = torch.stack(list(inputs)).float() / 255
        if mode == 'loss':
            return dict(loss=(self.scale * inputs).mean())
        for image, sample in zip(inputs, data_samples, strict=True):
            sample.seg_logits = PixelData(data=image[:1])
        return data_samples


def make_runner(work_dir, hook=None, folder=None, metrics=None, train=False):
    loader = dict(
        dataset=Scenes(folder),
        batch_size=2,
        sampler=dict(type='DefaultSampler', shuffle=False),
        collate_fn=dict(type='pseudo_collate'),
    )
    metrics = metrics or [dict(type='fdep_mm.HSEMetric')]
    options = dict(
        test_dataloader=loader,
        test_cfg=dict(),
        test_evaluator=metrics,
    )
    if train:
        options.update(
            train_dataloader=loader,
            train_cfg=dict(by_epoch=True, max_epochs=2, val_interval=1),
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
            val_dataloader=loader,
            val_cfg=dict(),
            val_evaluator=metrics,
        )
    return Runner(
        model=Brightness(),
        work_dir=str(work_dir),
        custom_hooks=[hook or dict(type='fdep_mm.HSEHook', num_images=3)],
        visualizer=dict(
            type='Visualizer', vis_backends=[dict(type='LocalVisBackend')]
        ),
        experiment_name=str(work_dir).replace('/', '_'),
        log_level='INFO',
        **options,
    )


def hse_folder(work_dir):
    (folder,) = work_dir.glob('*/vis_data/hse')
    return folder


def test_a_test_run_leaves_curves_overlays_and_a_table(tmp_path):
    metrics = make_runner(tmp_path).test()
    assert metrics['hse/HSE'] == pytest.approx(100)
    folder = hse_folder(tmp_path)
    assert cv2.imread(str(folder / 'curves_test.png')).shape[2] == 3
    names = sorted(path.name for path in (folder / 'overlays').iterdir())
    assert names == [f'{i:03d}_image.png' for i in range(3)]
    # the target is 250 of 255: hit at 0.5, and outlined in green
    picture = cv2.imread(str(folder / 'overlays' / names[0]))[..., ::-1]
    assert (picture[:700] == HIT).all(-1).any()
    # the image itself comes from the batch: dark with a bright target
    assert picture[:700, :900].max() == 255
    (log,) = tmp_path.glob('*/*.log')
    title, table = log.read_text().split('HSE_T (%)')
    assert 'hse, threshold 0.5:' in title
    assert '100.00' in table and str(folder) in table


def test_backends_get_curves_and_scalars(tmp_path):
    make_runner(tmp_path).test()
    (data,) = tmp_path.glob('*/vis_data')
    names = {path.name for path in (data / 'vis_image').iterdir()}
    assert names == {'hse_curves_test_0.png'}
    lines = (data / 'scalars.json').read_text().splitlines()
    scalars = json.loads(lines[-1])
    assert {f'test/{key}' for key in SCORES} <= set(scalars)
    assert scalars['test/IoU'] == pytest.approx(100)


def test_files_are_drawn_and_named(tmp_path):
    images = tmp_path / 'images with spaces'
    images.mkdir()
    hook = HSEHook(num_images=1, out_dir=str(tmp_path / 'out'))
    make_runner(tmp_path / 'work', hook, folder=images).test()
    (picture,) = (tmp_path / 'out' / 'overlays').iterdir()
    assert picture.name == '000_scene 0.png'
    assert (tmp_path / 'out' / 'curves_test.png').is_file()


def test_validation_writes_the_curves_of_each_epoch(tmp_path):
    make_runner(tmp_path, train=True).train()
    names = {path.name for path in hse_folder(tmp_path).iterdir()}
    assert names == {
        f'curves_val_iter_{step}.{kind}'
        for step in (3, 6)
        for kind in ('json', 'png')
    }


def test_validation_alone_builds_no_train_loop(tmp_path):
    runner = make_runner(tmp_path, train=True)
    runner.val()
    assert isinstance(runner._train_loop, dict)
    path = hse_folder(tmp_path) / 'curves_val_iter_0.json'
    stored = json.loads(path.read_text())
    assert set(stored['scores']) == SCORES
    assert stored['scores']['HSE'] == pytest.approx(1)
    assert len(stored['curves']['thresholds']) == 19
    assert np.shape(stored['curves']['F1']) == (5, 19)
    assert stored['settings'] == dict(
        threshold=0.5,
        radius=3,
        match='greedy',
        connectivity=8,
        empty='one',
        no_target='nan',
        false_alarms='all',
    )


def test_phases_and_number_of_images(tmp_path):
    hook = dict(type='fdep_mm.HSEHook', num_images=0, phases=['test'])
    runner = make_runner(tmp_path, hook, train=True)
    runner.train()
    assert not list(tmp_path.glob('*/vis_data/hse'))
    runner.test()
    names = {path.name for path in hse_folder(tmp_path).iterdir()}
    assert names == {'curves_test.png'}  # its numbers are in result.json


@pytest.mark.parametrize('phase', ['test', 'train', 'val'])
def test_without_the_metric_the_error_comes_first(
    tmp_path, monkeypatch, phase
):
    monkeypatch.delattr(Brightness, 'forward')
    metrics = [dict(type='fdep_mm.SIRSTMetric')]
    runner = make_runner(tmp_path, metrics=metrics, train=phase != 'test')
    which = 'test' if phase == 'test' else 'val'
    message = rf"{which}_evaluator has \['SIRSTMetric'\].*fdep_mm.HSEMetric"
    with pytest.raises(ValueError, match=message):
        getattr(runner, phase)()


def test_unknown_phase():
    with pytest.raises(ValueError, match="phases='train': give one of"):
        HSEHook(phases=('train',))
