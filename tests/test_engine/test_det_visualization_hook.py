"""Pictures of detections: places, names, files; needs mmdet to draw."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from fdep_mm.datasets import SIRSTDetDataset
from fdep_mm.registry import HOOKS

pytest.importorskip('mmdet.models')

from mmdet.structures import DetDataSample  # noqa: E402
from mmdet.visualization import DetLocalVisualizer  # noqa: E402

HOOK = dict(type='fdep_mm.SIRSTDetVisualizationHook', draw=True)


def instances(*boxes, **fields):
    return InstanceData(
        bboxes=torch.tensor(boxes).float().reshape(-1, 4),
        labels=torch.zeros(len(boxes), dtype=torch.long),
        **fields,
    )


@pytest.fixture
def sample():
    """The second box is below the threshold, the third inverted."""
    sample = DetDataSample(
        metainfo=dict(ori_shape=(32, 40), img_path='made/scene 1')
    )
    sample.gt_instances = instances((4, 4, 8, 9))
    sample.pred_instances = instances(
        (4, 4, 8, 10),
        (1, 1, 2, 2),
        (30, 20, 24, 12),
        scores=torch.tensor([0.9, 0.2, 0.5]),
    )
    return sample


@pytest.fixture
def shown(monkeypatch, tmp_path):
    """What reaches the visualizer, which draws."""
    calls = []
    draw = DetLocalVisualizer.add_datasample

    def record(self, *args, **kwargs):
        calls.append((args, kwargs))
        draw(self, *args, **kwargs)

    monkeypatch.setattr(DetLocalVisualizer, 'add_datasample', record)
    visualizer = DetLocalVisualizer.get_instance(
        f'visualizer of {tmp_path}',
        vis_backends=[dict(type='LocalVisBackend')],
        save_dir=str(tmp_path),
    )
    visualizer.dataset_meta = SIRSTDetDataset.METAINFO
    return calls


def batch():
    image = torch.full((3, 64, 80), 20.0)
    image[:, 8:18, 8:16] = 200
    return dict(inputs=[image])


def test_boxes_and_image_are_enlarged_and_edges_ordered(
    sample, shown, tmp_path
):
    hook = HOOKS.build(HOOK)
    hook.after_test_iter(None, 0, batch(), [sample])
    ((name, picture, drawn), _) = shown[0]
    assert name == 'test_scene 1'
    assert picture.shape == (16 * 32, 16 * 40, 3)  # 512 / 32
    assert picture[96, 96, 0] == 255 and picture[400, 400, 0] == 0
    assert (16 * torch.tensor([[4, 4, 8, 9]])).equal(
        drawn.gt_instances.bboxes.long()
    )
    assert drawn.pred_instances.bboxes[2].tolist() == [384, 192, 480, 320]
    # the sample goes on to the metrics
    assert sample.pred_instances.bboxes[2].tolist() == [30, 20, 24, 12]
    (path,) = tmp_path.rglob('*.png')
    assert path.name == 'test_scene 1_1.png'
    truth, found = np.split(cv2.imread(str(path)), 2, axis=1)
    assert (truth != found).any()


def test_folder_for_the_pictures_of_a_test(sample, shown, tmp_path):
    """As `mim test mmdetection --show-dir pictures` asks for it."""
    hook = HOOKS.build(HOOK | dict(test_out_dir='pictures', min_side=8))
    runner = SimpleNamespace(
        work_dir=str(tmp_path),
        timestamp='now',
        test_evaluator=SimpleNamespace(metrics=[]),
    )
    hook.before_test_epoch(runner)
    hook.after_test_iter(runner, 0, batch(), [sample, sample])
    names = [p.name for p in (tmp_path / 'now/pictures').iterdir()]
    assert sorted(names) == ['test_scene 1_1.png', 'test_scene 1_2.png']


def test_a_validation_draws_some(sample, shown, tmp_path):
    hook = HOOKS.build(HOOK | dict(interval=2))
    for i in range(3):
        hook.after_val_iter(SimpleNamespace(iter=6), i, batch(), [sample])
    assert sorted(p.name for p in tmp_path.rglob('*.png')) == [
        'val_scene 1_6.png',
        'val_scene 1_8.png',
    ]
