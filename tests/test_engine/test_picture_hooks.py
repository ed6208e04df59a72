"""Pictures and files of predictions, for data with and without files."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from child_processes import run_ranks
from mmengine.model import BaseModel
from mmengine.runner import Runner
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch.utils.data import Dataset

from fdep_mm.core.masks import read_mask
from fdep_mm.visualization import read_image, read_prob
from fdep_mm.visualization.overlay import FALSE_ALARM, HIT, MISS


class Scenes(Dataset):
    """Two targets each, one dark; paths end alike in two folders."""

    metainfo = {}

    def __init__(self, folder=None, truth=True):
        self.folder = folder
        self.truth = truth
        self.data_prefix = dict(img_path=str(folder or ''))

    def __len__(self):
        return 4

    def scene(self, index):
        image = np.full((32, 40), 10 * (index + 1), np.uint8)
        image[4 + index : 7 + index, 10:13] = 250
        mask = (image == 250).astype(np.uint8)
        mask[20:22, 30:32] = 1  # cannot be found
        return image, mask

    def path(self, index):
        return f'{"ab"[index % 2]}/scene {index // 2}.png'

    def __getitem__(self, index):
        image, mask = self.scene(index)
        path = self.path(index)
        if self.folder is not None:
            path = self.folder / path
            path.parent.mkdir(exist_ok=True)
            cv2.imwrite(str(path), image)
        sample = SegDataSample(metainfo=dict(img_path=str(path)))
        if self.truth:
            sample.gt_sem_seg = PixelData(data=torch.from_numpy(mask)[None])
        inputs = torch.from_numpy(image)[None].repeat(3, 1, 1)
        return dict(inputs=inputs, data_samples=sample)


class Brightness(BaseModel):
    """Probability = brightness; as mmseg returns it."""

    def forward(self, inputs, data_samples=None, mode='tensor'):
        inputs = torch.stack(list(inputs)).float() / 255
        for image, sample in zip(inputs, data_samples, strict=True):
            sample.seg_logits = PixelData(data=image[:1])
            # a threshold of its own, as heads of mmseg have
            sample.pred_sem_seg = PixelData(data=(image[:1] > 0.02).long())
        return data_samples


def run_test(work_dir, hook, data, phase='test', metrics=(), rules=()):
    loader = dict(
        dataset=data,
        batch_size=2,
        sampler=dict(type='DefaultSampler', shuffle=False),
        collate_fn=dict(type='pseudo_collate'),
    )
    options = {
        f'{phase}_dataloader': loader,
        f'{phase}_cfg': dict(),
        f'{phase}_evaluator': [
            dict(type='fdep_mm.SIRSTMetric', **dict(rules))
            if data.truth
            else dict(type='DumpResults', out_file_path=f'{work_dir}/x.pkl'),
            *metrics,
        ],
    }
    runner = Runner(
        model=Brightness(),
        work_dir=str(work_dir / 'work'),
        default_hooks=dict(visualization=hook) if 'draw' in hook else None,
        custom_hooks=[] if 'draw' in hook else [hook],
        visualizer=dict(
            type='Visualizer', vis_backends=[dict(type='LocalVisBackend')]
        ),
        experiment_name=str(work_dir).replace('/', '_'),
        log_level='ERROR',
        **options,
    )
    getattr(runner, phase)()


def pictures(work_dir):
    found = sorted(work_dir.glob('work/*/vis_data/vis_image/*.png'))
    return {path.name: cv2.imread(str(path))[..., ::-1] for path in found}


def holds(picture, color):
    return bool((picture[:768, :960] == color).all(-1).any())


DRAW = dict(type='fdep_mm.SIRSTVisualizationHook', draw=True)


@pytest.mark.parametrize('on_files', [False, True])
def test_a_test_draws_every_image(tmp_path, on_files):
    data = Scenes(tmp_path if on_files else None)
    run_test(tmp_path, DRAW, data)
    found = pictures(tmp_path)
    assert list(found) == [
        f'test_scene {i // 2}.png_{i + 1}.png' for i in range(4)
    ]
    for picture in found.values():
        assert picture.shape[0] == 768 + 36
        assert holds(picture, HIT) and holds(picture, MISS)
        assert not holds(picture, FALSE_ALARM)
        # the image itself: bright target on dark ground
        assert (picture[:768, :960] == 255).all(-1).any()
        assert (picture[:768, :960] == 0).all(-1).any()


def test_a_validation_draws_some(tmp_path):
    hook = dict(DRAW, interval=2)
    run_test(tmp_path, hook, Scenes(), 'val')
    assert list(pictures(tmp_path)) == ['val_scene 0.png_0.png']


def test_the_rules_of_matching_reach_the_drawing(tmp_path, monkeypatch):
    calls = []

    def draw(image, pred, mask, *rules):
        calls.append(rules)
        return np.zeros((8, 8, 3), np.uint8)

    name = 'fdep_mm.engine.hooks.batch_image.draw_overlay'
    monkeypatch.setattr(name, draw)
    rules = dict(radius=2.5, match='hungarian', connectivity=4)
    run_test(tmp_path, DRAW, Scenes(), rules=rules)
    assert calls == [(2.5, 'hungarian', 4)] * 4


def test_without_ground_truth_all_detections_are_marked(tmp_path):
    run_test(tmp_path, DRAW, Scenes(truth=False))
    found = pictures(tmp_path)
    assert len(found) == 4
    for picture in found.values():
        assert holds(picture, FALSE_ALARM)
        assert not holds(picture, MISS)


def test_nothing_is_drawn_unless_asked_for(tmp_path):
    with pytest.warns(UserWarning, match='draw is False'):
        run_test(tmp_path, dict(DRAW, draw=False), Scenes())
    assert not pictures(tmp_path)


def written(folder):
    return sorted(
        p.relative_to(folder).with_suffix('').as_posix()
        for p in folder.rglob('*.png')
    )


@pytest.mark.parametrize('on_files', [False, True])
def test_predictions_as_files(tmp_path, on_files):
    data = Scenes(tmp_path if on_files else None)
    out, found = tmp_path / 'out', tmp_path / 'found'
    hook = dict(type='fdep_mm.PredictionWriterHook')
    run_test(tmp_path, dict(hook, out_dir=out, mask_dir=found), data)
    # two folders hold files of one name: none is lost
    names = ['scene 0', 'scene 0_2', 'scene 1', 'scene 1_2']
    if on_files:
        names = ['a/scene 0', 'b/scene 0', 'a/scene 1', 'b/scene 1']
    for folder in (out / 'images', out / 'probs', out / 'masks', found):
        assert written(folder) == sorted(names)
    for index, name in enumerate(names):
        image, mask = data.scene(index)
        shown = read_image(out / f'images/{name}.png')
        gray = shown if shown.ndim == 2 else shown[..., 0]
        np.testing.assert_array_equal(gray, image)
        prob = read_prob(out / f'probs/{name}.png')
        np.testing.assert_allclose(prob, image / 255, atol=1e-5)
        np.testing.assert_array_equal(
            read_mask(out / f'masks/{name}.png'), mask
        )
        # what was scored, and not what the network calls its mask
        np.testing.assert_array_equal(
            read_mask(found / f'{name}.png'), image == 250
        )


class Unnamed(Scenes):
    """The last of its images would leave a process of two without one."""

    def __len__(self):
        return 5

    def __getitem__(self, index):
        item = super().__getitem__(index)
        del item['data_samples'].img_path
        return item


def predict(rank, world, folder):
    torch.distributed.init_process_group(
        'gloo', f'file://{folder}/store', rank=rank, world_size=world
    )
    for data in (Scenes(), Unnamed()):
        out = Path(folder, type(data).__name__)
        hook = dict(type='fdep_mm.PredictionWriterHook', mask_dir=out)
        run_test(Path(folder, f'{rank}', out.name), hook, data)
    torch.save(None, f'{folder}/{rank}.pt')
    torch.distributed.destroy_process_group()


def test_processes_do_not_overwrite_each_other(tmp_path):
    run_ranks(predict, 2, tmp_path)
    found = written(tmp_path / 'Scenes')
    assert found == ['a/scene 0', 'a/scene 1', 'b/scene 0', 'b/scene 1']
    found = written(tmp_path / 'Unnamed')
    assert found == [f'{i:05d}' for i in range(5)]
    for index, name in enumerate(found):
        mask = read_mask(tmp_path / f'Unnamed/{name}.png')
        np.testing.assert_array_equal(mask, Unnamed().scene(index)[0] == 250)


def test_predictions_without_ground_truth(tmp_path):
    out, found = tmp_path / 'out', tmp_path / 'found'
    hook = dict(type='fdep_mm.PredictionWriterHook')
    hook.update(out_dir=out, mask_dir=found)
    run_test(tmp_path, hook, Scenes(truth=False))
    assert not list((out / 'masks').iterdir())
    assert len(list((out / 'probs').iterdir())) == 4
    # no score has a threshold: the mask is the network's
    assert read_mask(found / 'scene 0.png').all()


def test_two_thresholds_have_no_one_mask(tmp_path):
    hook = dict(type='fdep_mm.PredictionWriterHook', mask_dir=tmp_path / 'm')
    other = dict(type='fdep_mm.HSEMetric', threshold=0.3)
    with pytest.raises(ValueError, match=r'thresholds \[0.3, 0.5\]'):
        run_test(tmp_path, hook, Scenes(), metrics=[other])


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / 'file').touch()
    hook = dict(
        type='fdep_mm.PredictionWriterHook', out_dir=str(tmp_path / 'file/x')
    )
    with pytest.raises(OSError, match='file/x'):
        run_test(tmp_path, hook, Scenes())
