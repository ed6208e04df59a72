"""The MMEngine metrics: units, keys and records."""

import math

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from mmengine.registry import METRICS as ROOT_METRICS
from naive_evaluation import random_images

from fdep_mm.evaluation import (
    HSEMetric,
    SIRSTMetric,
    evaluate_curves,
    evaluate_masks,
)

SCALES = dict.fromkeys(['IoU', 'nIoU', 'Pd', 'HSE', 'HSE_P', 'HSE_T'], 100)
SCALES['Fa'] = 1e6


def make_samples(num, seed=0):
    probs, masks = random_images(np.random.default_rng(seed), num)
    samples = [
        dict(
            img_path=f'img_{i}.png',
            seg_logits=dict(data=torch.from_numpy(prob)[None]),
            gt_sem_seg=dict(data=torch.from_numpy(mask.astype('u1'))[None]),
        )
        for i, (prob, mask) in enumerate(zip(probs, masks, strict=True))
    ]
    return probs, masks, samples


def run(metric, samples, batch=2):
    for i in range(0, len(samples), batch):
        metric.process(None, samples[i : i + batch])
    return metric.evaluate(len(samples))


def test_values_are_those_of_the_function_in_the_units_of_the_field():
    probs, masks, samples = make_samples(5)
    scores = evaluate_masks(probs, masks)
    sirst, hse = run(SIRSTMetric(), samples), run(HSEMetric(), samples)
    assert list(sirst) == [f'sirst/{k}' for k in ('IoU', 'nIoU', 'Pd', 'Fa')]
    assert set(hse) == {f'hse/{key}' for key in SCALES}
    for key, value in {**sirst, **hse}.items():
        name = key.split('/')[1]
        assert value == scores[name] * SCALES[name], key


def test_options_reach_the_counts():
    probs, masks, samples = make_samples(4, seed=1)
    options = dict(
        threshold=0.3,
        radius=2,
        match='hungarian',
        connectivity=4,
        empty='skip',
    )
    found = run(SIRSTMetric(**options), samples)
    scores = evaluate_masks(probs, masks, **options)
    for key, value in found.items():
        name = key.split('/')[1]
        assert value == scores[name] * SCALES[name]
    hse = HSEMetric(thresholds=[0.2, 0.7], tolerances=(2, 6), **options)
    run(hse, samples)
    assert hse.scores == evaluate_masks(
        probs, masks, [0.2, 0.7], (2, 6), **options
    )


def test_curves_stay_accessible():
    probs, masks, samples = make_samples(4)
    metric = HSEMetric()
    assert metric.curves is None
    run(metric, samples)
    expected = evaluate_curves(probs, masks)
    assert set(metric.curves) == set(expected)
    for key, value in expected.items():
        np.testing.assert_array_equal(metric.curves[key], value)


def test_two_metrics_in_one_evaluator_do_not_collide():
    _, _, samples = make_samples(3)
    evaluator = Evaluator([SIRSTMetric(), HSEMetric()])
    evaluator.process(samples)
    found = evaluator.evaluate(3)
    assert len(found) == 4 + 7
    assert found['sirst/IoU'] == found['hse/IoU']


def test_records_are_small_integers_of_fixed_length():
    metric = HSEMetric()
    for height in (16, 200):
        prob = torch.rand(1, height, 30)
        mask = torch.zeros(1, height, 30, dtype=torch.uint8)
        sample = dict(seg_logits=dict(data=prob), gt_sem_seg=dict(data=mask))
        metric.process(None, [sample])
    assert len(metric.results) == 2
    for record in metric.results:
        assert record.shape == (3 + 19 * (5 + 5),)
        assert record.dtype == np.int64


def test_bfloat16_predictions_of_autocast():
    _, _, samples = make_samples(2)
    for sample in samples:
        prob = sample['seg_logits']['data'].bfloat16()
        sample['seg_logits']['data'] = prob
    probs = [s['seg_logits']['data'][0].float().numpy() for s in samples]
    masks = [s['gt_sem_seg']['data'][0].numpy() for s in samples]
    metric = HSEMetric()
    run(metric, samples)
    assert metric.scores == evaluate_masks(probs, masks)


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
def test_tensors_on_a_gpu():
    _, _, samples = make_samples(2)
    expected = run(SIRSTMetric(), samples)
    for sample in samples:
        for field in ('seg_logits', 'gt_sem_seg'):
            sample[field]['data'] = sample[field]['data'].cuda()
    assert run(SIRSTMetric(), samples) == expected


@pytest.mark.parametrize('name', ['SIRSTMetric', 'HSEMetric'])
def test_configs_find_the_metrics_from_the_root_registry(name):
    metric = ROOT_METRICS.build(dict(type=f'fdep_mm.{name}', prefix='mine'))
    assert type(metric).__name__ == name and metric.prefix == 'mine'


def test_nan_names_the_file():
    _, _, samples = make_samples(2)
    samples[1]['seg_logits']['data'][0, 2, 2] = math.nan
    with pytest.raises(ValueError, match='img_1.png: .*NaN'):
        SIRSTMetric().process(None, samples)


def test_samples_without_a_file_are_counted():
    _, _, samples = make_samples(2)
    for sample in samples:
        del sample['img_path']
    samples[1]['seg_logits']['data'] += 3
    with pytest.raises(ValueError, match='image 1: '):
        SIRSTMetric().process(None, samples)


def scores_of(samples, maps):
    metric = HSEMetric()
    for sample, data in zip(samples, maps, strict=True):
        sample['seg_logits']['data'] = data
    metric.process(None, samples)
    return metric.compute_metrics(metric.results)


def test_two_output_channels():
    """Logits, and the evidence of Mask2Former, score as the probability."""
    _, _, samples = make_samples(3)
    probs = [  # none is a threshold
        sample['seg_logits']['data'].double() * 0.97 + 0.013
        for sample in samples
    ]
    expected = scores_of(samples, [prob.float() for prob in probs])
    for kind in (torch.log, lambda share: 3 * share):
        maps = [kind(torch.cat([1 - prob, prob])).float() for prob in probs]
        assert scores_of(samples, maps) == expected
    with pytest.raises(ValueError, match=r'got \(3, .*num_classes=2'):
        scores_of(samples, [torch.cat([prob] * 3) for prob in probs])


def test_no_ground_truth():
    _, _, samples = make_samples(1)
    del samples[0]['gt_sem_seg']
    with pytest.raises(ValueError, match="no 'gt_sem_seg'.*load annotations"):
        SIRSTMetric().process(None, samples)


def test_no_image_at_all():
    with pytest.raises(ValueError, match='there is no image'):
        SIRSTMetric().compute_metrics([])


def test_a_set_without_target_warns_and_gives_nan():
    sample = dict(
        seg_logits=dict(data=torch.zeros(1, 8, 8)),
        gt_sem_seg=dict(data=torch.zeros(1, 8, 8, dtype=torch.uint8)),
    )
    metric = SIRSTMetric()
    metric.process(None, [sample])
    with pytest.warns(UserWarning, match='holds a target'):
        found = metric.evaluate(1)
    assert found.pop('sirst/Fa') == 0
    assert all(map(math.isnan, found.values()))
