"""Transforms in the wrong order, which give plausible but wrong targets."""

import pytest
import torch
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData

from fdep_mm.datasets import SyntheticSIRSTDetDataset
from fdep_mm.datasets.transforms import GenerateNoCoMap
from fdep_mm.evaluation import BoxPdFaMetric, NoCoAPMetric

pytest.importorskip('mmdet.models')
pytest.importorskip('fdep_mm.detection')

LOAD = dict(type='LoadAnnotations', with_bbox=True)
SMALLER = dict(type='Resize', scale=(64, 64), keep_ratio=True)
FLIP = dict(type='RandomFlip', prob=1.0)
NOCO = dict(type='fdep_mm.GenerateNoCoMap')
PACK = dict(type='fdep_mm.PackSIRSTDetInputs')


@pytest.fixture
def scenes():
    """A function from a pipeline to a data set of three scenes."""

    def build(*pipeline):
        init_default_scope('mmdet')
        return SyntheticSIRSTDetDataset(
            3, img_size=(96, 96), num_targets=(1, 3), pipeline=[*pipeline]
        )

    return build


@pytest.mark.parametrize(
    'metric', [NoCoAPMetric, lambda: BoxPdFaMetric(targets='box')]
)
def test_annotations_that_were_resized(scenes, metric):
    def evaluate(*pipeline):
        samples = [item['data_samples'] for item in scenes(*pipeline)]
        for sample in samples:
            boxes = sample.gt_instances.bboxes.tensor
            sample.pred_instances = InstanceData(
                bboxes=boxes, scores=torch.ones(len(boxes))
            )
        chosen = metric()
        chosen.process(None, [sample.to_dict() for sample in samples])
        return chosen.evaluate(3)

    scores = evaluate(SMALLER, LOAD, PACK)
    assert scores.get('sirst/Pd', 100) == 100
    assert scores.get('sirst/NoCoAP10', 1) > 0.9
    with pytest.raises(ValueError, match='LoadAnnotations after Resize'):
        evaluate(LOAD, SMALLER, PACK)


def test_map_made_before_the_flip(scenes):
    assert len(list(scenes(LOAD, SMALLER, FLIP, NOCO, PACK))) == 3
    for moved in (FLIP, dict(type='RandomShift', prob=1.0)):
        with pytest.raises(ValueError, match='behind RandomFlip'):
            list(scenes(LOAD, NOCO, moved, PACK))


def test_map_without_boxes(scenes):
    with pytest.raises(ValueError, match='LoadAnnotations.*before Generate'):
        GenerateNoCoMap()(dict(img_path='a.png'))
