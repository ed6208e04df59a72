"""Pd and Fa of boxes: against masks painted from them, and by hand."""

import math

import numpy as np
import pytest
import torch
from PIL import Image

from fdep_mm.core.boxes import mask_boxes
from fdep_mm.core.components import mask_components
from fdep_mm.evaluation import BoxPdFaMetric, SIRSTMetric
from fdep_mm.evaluation.functional import (
    box_components,
    count_boxes,
)

SHAPE = (60, 80)


def sample(boxes, scores, path=None, gt=(), shape=SHAPE):
    boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
    out = dict(
        img_path='frame.png',
        ori_shape=shape,
        pred_instances=dict(
            bboxes=torch.from_numpy(boxes),
            scores=torch.tensor(scores, dtype=torch.float32),
        ),
        gt_instances=dict(bboxes=torch.tensor(gt).reshape(-1, 4).float()),
    )
    return out if path is None else out | dict(seg_map_path=str(path))


def evaluate(metric, *samples):
    metric.process(None, samples)
    return metric.evaluate(len(samples))


def write_mask(path, mask):
    Image.fromarray(mask.astype(np.uint8) * 255).save(path)
    return path


def random_mask(rng, num):
    mask = np.zeros(SHAPE, bool)
    for y, x in rng.integers(2, 50, (num, 2)):
        mask[y : y + rng.integers(1, 7), x : x + rng.integers(1, 7)] = True
    return mask


def apart(boxes):
    """Drop boxes that touch an earlier one: they would merge when painted."""
    seen, kept = np.zeros(SHAPE, bool), []
    for x1, y1, x2, y2 in boxes.astype(int):
        around = slice(max(0, y1 - 1), y2 + 1), slice(max(0, x1 - 1), x2 + 1)
        if not seen[around].any():
            seen[y1:y2, x1:x2] = True
            kept.append((x1, y1, x2, y2))
    return np.array(kept, float).reshape(-1, 4)


def make_boxes(rng, mask):
    """Shifted boxes of the targets, and some of nothing."""
    true = mask_boxes(mask)
    true = true + rng.integers(-2, 3, (len(true), 1))
    corner = rng.integers(0, 40, (3, 2))
    extra = np.hstack([corner, corner + rng.integers(1, 9, (3, 2))])
    boxes = np.clip(np.vstack([true, extra]), 0, 55)
    return boxes[(boxes[:, :2] < boxes[:, 2:]).all(axis=1)]


@pytest.mark.parametrize('radius', [1.5, 3.0])
def test_boxes_apart_score_as_the_mask_painted_from_them(tmp_path, radius):
    """The definition is that of segmentation."""
    rng = np.random.default_rng(0)
    options = dict(radius=radius, match='hungarian', threshold=0.4)
    ours, theirs = BoxPdFaMetric(**options), SIRSTMetric(**options)
    for i in range(12):
        mask = random_mask(rng, i % 5)
        boxes = apart(make_boxes(rng, mask))
        scores = rng.choice([0.3, 0.4, 0.5, 0.9], len(boxes))
        prob = np.zeros(SHAPE, np.float32)
        for (x1, y1, x2, y2), score in zip(
            boxes.astype(int), scores, strict=True
        ):
            prob[y1:y2, x1:x2] = score
        path = write_mask(tmp_path / f'{i}.png', mask)
        ours.process(None, [sample(boxes, scores, path)])
        theirs.process(
            None,
            [
                dict(
                    seg_logits=dict(data=torch.from_numpy(prob)[None]),
                    gt_sem_seg=dict(data=torch.from_numpy(mask)[None].byte()),
                )
            ],
        )
    ours, theirs = ours.evaluate(12), theirs.evaluate(12)
    assert 0 < ours['sirst/Pd'] < 100 and ours['sirst/Fa'] > 0
    for key in ('sirst/Pd', 'sirst/Fa'):
        assert ours[key] == theirs[key]


def test_the_boxes_of_the_targets_hit_them_all():
    mask = random_mask(np.random.default_rng(3), 4)
    boxes = mask_boxes(mask)
    record = count_boxes(boxes, mask_components(mask), SHAPE, radius=1.5)
    assert record.tolist() == [4800, len(boxes), len(boxes), 0]


def test_a_duplicate_is_a_false_alarm_where_the_hit_box_is_not():
    hit, duplicate = [10, 10, 14, 14], [11, 10, 16, 14]
    for order in ([0.9, 0.8], [0.8, 0.9]):
        scores = evaluate(
            BoxPdFaMetric(targets='box'),
            sample([hit, duplicate], order, gt=[hit]),
        )
        assert scores['sirst/Pd'] == 100
        # the better-scored one hits; the other's own pixels are false
        false = 2 * 4 if order[0] > order[1] else 1 * 4
        assert scores['sirst/Fa'] == pytest.approx(false / 4800 * 1e6)


def test_box_targets_and_the_threshold():
    gt = [[10, 10, 14, 14], [30, 20, 36, 25]]
    samples = [
        sample([gt[0], [50, 40, 54, 42]], [0.9, 0.5], gt=gt),
        sample([], [], gt=[]),
    ]
    half = evaluate(BoxPdFaMetric(targets='box'), *samples)
    assert half == {'sirst/Pd': 50.0, 'sirst/Fa': 0.0}
    low = evaluate(BoxPdFaMetric(targets='box', threshold=0.4), *samples)
    assert low == {'sirst/Pd': 50.0, 'sirst/Fa': 8 / 9600 * 1e6}


def test_boxes_without_a_pixel_center_are_one_pixel():
    boxes = np.array(
        [
            [10.6, 20.6, 11.4, 21.4],  # thin: between two centers
            [14.0, 18.0, 10.0, 14.0],  # inverted
            [-9.0, -9.0, -5.0, -5.0],  # outside
            [99.0, 70.0, 120.0, 90.0],
            [2.5, 3.5, 4.5, 5.5],  # a center on the near side is inside
        ]
    )
    area, sum_y, sum_x, _ = box_components(boxes, SHAPE)
    assert area.tolist() == [1, 1, 1, 1, 4]
    assert sum_y.tolist() == [21, 16, 0, 59, 4 * 3.5]
    assert sum_x.tolist() == [11, 12, 0, 79, 4 * 2.5]


def test_no_target_in_the_set():
    with pytest.warns(UserWarning, match='none of the 1 images'):
        scores = evaluate(
            BoxPdFaMetric(targets='box'), sample([[1, 1, 3, 3]], [0.9])
        )
    assert math.isnan(scores['sirst/Pd'])
    assert scores['sirst/Fa'] == 4 / 4800 * 1e6


def test_records_are_small():
    metric = BoxPdFaMetric(targets='box')
    metric.process(None, [sample([[1, 1, 3, 3]] * 50, [0.9] * 50)])
    assert metric.results[0].shape == (4,)


def test_bad_input(tmp_path):
    one = sample([[1, 1, 3, 3]], [0.9])
    metric = BoxPdFaMetric()
    with pytest.raises(ValueError, match="frame.png.*no 'seg_map_path'"):
        metric.process(None, [one])
    path = write_mask(tmp_path / 'm.png', np.zeros((8, 8), bool))
    with pytest.raises(ValueError, match='is 8x8 px, its image'):
        metric.process(None, [sample([], [], path)])
    with pytest.raises(ValueError, match='none.png: the mask cannot be read'):
        metric.process(None, [sample([], [], tmp_path / 'none.png')])
    metric = BoxPdFaMetric(targets='box')
    with pytest.raises(ValueError, match='frame.png.*not finite'):
        metric.process(None, [sample([[1, 1, math.inf, 3]], [0.9])])
    with pytest.raises(ValueError, match='not finite'):
        metric.process(None, [sample([[1, 1, 2, 3]], [math.nan])])
    scaled = sample([], [], gt=[[2, 2, 4, 4]])
    scaled['instances'] = [dict(bbox=[4, 4, 8, 8], ignore_flag=0)]
    with pytest.raises(ValueError, match='LoadAnnotations after Resize'):
        metric.process(None, [scaled])
    with pytest.raises(ValueError, match="frame.png.*no 'ori_shape'"):
        metric.process(
            None, [{k: v for k, v in one.items() if k != 'ori_shape'}]
        )
    for field, word in (('pred', 'for detectors'), ('gt', 'LoadAnnot')):
        with pytest.raises(ValueError, match=word):
            metric.process(
                None,
                [{k: v for k, v in one.items() if k != f'{field}_instances'}],
            )
    with pytest.raises(ValueError, match="targets='boxes'"):
        BoxPdFaMetric(targets='boxes')
    with pytest.raises(ValueError, match='radius'):
        BoxPdFaMetric(radius=0)
