import cv2
import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from mmengine.structures import InstanceData, PixelData
from mmseg.structures import SegDataSample

from fdep_mm.core.boxes import mask_boxes
from fdep_mm.datasets import SIRSTDetDataset, SyntheticSIRSTDataset
from fdep_mm.evaluation import NoCoAPMetric, mnocoap, noco_map
from fdep_mm.evaluation.functional import (
    prob_points,
)

SHAPE = (40, 48)


@pytest.fixture
def image():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 90, SHAPE).astype(np.uint8)
    image[10:13, 20:24] += 120
    image[30:32, 5:7] += 120
    return image


@pytest.fixture
def path(tmp_path, image):
    path = tmp_path / 'an image.png'
    cv2.imwrite(str(path), image)
    return str(path)


BOXES = [[20.0, 10, 24, 13], [5, 30, 7, 32]]


def detected(path, boxes=BOXES, scores=None, **fields):
    """A detector's sample as a dict, as the evaluator hands it over."""
    boxes = torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)
    scores = torch.ones(len(boxes)) if scores is None else scores
    fields = dict(img_path=path, ori_shape=SHAPE, **fields)
    return {
        'pred_instances': dict(
            bboxes=boxes,
            scores=torch.as_tensor(scores),
            labels=torch.arange(len(boxes)),
        ),
        'gt_instances': dict(bboxes=torch.tensor(BOXES)),
        **fields,
    }


def run(metric, *samples):
    metric.process(None, samples)
    return metric.evaluate(len(samples))


def test_boxes_of_a_detector(path, image):
    rng = np.random.default_rng(0)
    found = np.array(BOXES * 20) + rng.normal(0, 1, (40, 4))
    scores = rng.random(40)
    noco = noco_map(image, BOXES)
    for mode in ('box_center', 'pixel_center'):
        result = run(
            NoCoAPMetric(mode), detected(path, found.tolist(), scores)
        )
        rows = np.column_stack([found.astype(np.float32), scores])
        expected = mnocoap([rows], [noco], [BOXES], mode)
        assert len(result) == 10
        for key, value in expected.items():
            assert result[f'sirst/{key}'] == pytest.approx(value)


def test_image_in_the_sample_needs_no_file(image):
    sample = detected('synthetic/0', ori_img=image)
    assert run(NoCoAPMetric(), sample)['sirst/NoCoAP10'] == 1
    with pytest.raises(FileNotFoundError, match='synthetic/0.*ori_img'):
        run(NoCoAPMetric(), detected('synthetic/0'))
    empty = detected('synthetic/0')
    empty['gt_instances'] = dict(bboxes=torch.zeros(0, 4))
    # no target, no map, no image
    with pytest.warns(UserWarning, match='no target'):
        assert np.isnan(run(NoCoAPMetric(), empty)['sirst/mNoCoAP'])


def test_sixteen_bit_files(tmp_path, path, image):
    deep = str(tmp_path / 'deep.png')
    cv2.imwrite(deep, image.astype(np.uint16) * 256)
    eight, sixteen = NoCoAPMetric(), NoCoAPMetric()
    for metric, name in ((eight, path), (sixteen, deep)):
        metric.process(None, [detected(name)])
    values = [metric.results[0].noco for metric in (eight, sixteen)]
    np.testing.assert_allclose(*values, atol=1e-3)


def test_predicted_peaks(path, image):
    noco = noco_map(image, BOXES)
    sample = detected(path)
    with pytest.raises(ValueError, match='centroids'):
        run(NoCoAPMetric('noco_peak'), sample)
    peaks = [
        np.unravel_index((noco * mask).argmax(), SHAPE)[::-1]
        for mask in boxes_mask()
    ]
    # continuous coordinates: anywhere in the pixel
    sample['pred_instances']['centroids'] = torch.tensor(peaks) + 0.9
    result = run(NoCoAPMetric('noco_peak'), sample)
    assert result['sirst/NoCoAP90'] == 1


def boxes_mask():
    masks = np.zeros((2, *SHAPE))
    for mask, (x1, y1, x2, y2) in zip(masks, BOXES, strict=True):
        mask[int(y1) : int(y2), int(x1) : int(x2)] = 1
    return masks


def segmented(prob, mask, **fields):
    sample = SegDataSample(metainfo=fields)
    sample.seg_logits = PixelData(data=torch.from_numpy(prob)[None])
    sample.gt_sem_seg = PixelData(data=torch.from_numpy(mask)[None])
    return sample


@pytest.mark.parametrize('mode', ['box_center', 'pixel_center', 'noco_peak'])
def test_probability_maps_of_a_segmentor(path, image, mode):
    mask = boxes_mask().sum(0).astype(np.uint8)
    prob = np.clip(image / 160, 0, 1).astype(np.float32)
    evaluator = Evaluator(
        dict(type='fdep_mm.NoCoAPMetric', centroid_mode=mode)
    )
    evaluator.process([segmented(prob, mask, img_path=path)])
    result = evaluator.evaluate(1)
    expected = mnocoap(
        [prob_points(prob)],
        [noco_map(image, mask_boxes(mask))],
        [mask_boxes(mask)],
    )
    assert result['sirst/mNoCoAP'] == pytest.approx(expected['mNoCoAP'])
    assert result['sirst/NoCoAP50'] == 1


def test_peak_of_a_region_or_of_its_bounding_box():
    """A false alarm between the legs of a target, and more probable."""
    mask = np.zeros(SHAPE, np.uint8)
    mask[8, 18:27] = mask[8:17, 18] = 1
    prob = 0.6 * mask.astype(np.float32)
    prob[12, 23] = 0.9
    sample = segmented(prob, mask, ori_img=200 * mask).to_dict()
    own = NoCoAPMetric(peak='region')
    assert run(own, sample)['sirst/NoCoAP10'] == pytest.approx(0.5)
    box = NoCoAPMetric(peak='bounding_box')
    assert run(box, sample)['sirst/NoCoAP10'] == 0
    assert run(NoCoAPMetric(), sample)['sirst/NoCoAP10'] == 0
    for metric, scores in ((own, [0.6, 0.9]), (box, [0.9, 0.9])):
        metric.process(None, [sample])
        np.testing.assert_allclose(metric.results[-1].score, scores, 1e-6)


def test_synthetic_segmentation_samples():
    dataset = SyntheticSIRSTDataset(
        6,
        split='test',
        pipeline=[
            dict(type='mmseg.PackSegInputs', meta_keys=('img_path', 'ori_img'))
        ],
    )
    metric = NoCoAPMetric()
    for item in dataset:
        sample = item['data_samples']
        prob = sample.gt_sem_seg.data.float()
        sample.seg_logits = PixelData(data=prob)
        metric.process(None, [sample.to_dict()])
    result = metric.evaluate(6)
    # each region has one probability: its first pixel is on the target
    assert result['sirst/NoCoAP10'] > 0.3 > result['sirst/NoCoAP90']


def test_two_modes_in_one_evaluator(path):
    evaluator = Evaluator(
        [
            dict(type='fdep_mm.NoCoAPMetric'),
            dict(
                type='fdep_mm.NoCoAPMetric',
                centroid_mode='pixel_center',
                prefix='pixel',
            ),
        ]
    )
    sample = detected(path)
    for key in ('pred_instances', 'gt_instances'):
        sample[key] = InstanceData(**sample[key])
    record = SegDataSample(metainfo=dict(img_path=path, ori_shape=SHAPE))
    record.pred_instances = sample['pred_instances']
    record.gt_instances = sample['gt_instances']
    evaluator.process([record])
    assert len(evaluator.evaluate(1)) == 20


def test_one_small_record_per_image(path):
    metric = NoCoAPMetric()
    metric.process(None, [detected(path), detected(path, [])])
    assert len(metric.results) == 2
    for record, number in zip(metric.results, (2, 0), strict=True):
        assert record.num_targets == 2
        assert {len(record.score), len(record.noco)} == {number}
    # the padding of a distributed sampler is cut off
    assert metric.evaluate(1)['sirst/NoCoAP10'] == 1


def test_half_precision_scores(path):
    """bfloat16, which NumPy has not, ranks as float32 does."""
    boxes = [*BOXES, [1.0, 1, 3, 3]]
    scores = torch.tensor([0.5, 0.25, 0.375])
    half, single = (
        run(NoCoAPMetric(), detected(path, boxes, s))
        for s in (scores.bfloat16(), scores)
    )
    assert half == single
    assert half['sirst/NoCoAP10'] == pytest.approx((1 + 2 / 3) / 2)


def test_bad_samples(path, tmp_path):
    scaled = detected(path)
    scaled['gt_instances'] = dict(bboxes=torch.tensor(BOXES) * 3)
    with pytest.raises(ValueError, match='LoadAnnotations after Resize'):
        run(NoCoAPMetric(), scaled)
    plain = detected(path)
    del plain['gt_instances']
    with pytest.raises(ValueError, match='with_bbox=True'):
        run(NoCoAPMetric(), plain)
    diverged = detected(path, [[1, 1, float('nan'), 3]])
    with pytest.raises(ValueError, match='an image.png.*NaN'):
        run(NoCoAPMetric(), diverged)
    other = dict(detected(path), ori_shape=(50, 60))
    with pytest.raises(ValueError, match='original size'):
        run(NoCoAPMetric(), other)
    broken = tmp_path / 'broken.png'
    for content in (b'no image', b''):
        broken.write_bytes(content)
        with pytest.raises(ValueError, match='broken.png: not a readable'):
            run(NoCoAPMetric(), detected(str(broken)))
    with pytest.raises(ValueError, match="an image.png.*'ori_shape'.*meta_k"):
        sample = detected(path)
        del sample['ori_shape']
        run(NoCoAPMetric(), sample)
    for name in ('centroid_mode', 'overlap', 'peak'):
        with pytest.raises(ValueError, match=f"{name}='x': give one of"):
            NoCoAPMetric(**{name: 'x'})


def annotated(path, boxes, scale=1.0):
    """A sample whose true boxes were scaled after they had been loaded."""
    sample = detected(path)
    sample['instances'] = [dict(bbox=box, ignore_flag=0) for box in boxes]
    true = torch.tensor(boxes, dtype=torch.float32) * scale
    sample['gt_instances'] = dict(bboxes=true)
    return sample


def test_true_boxes_that_were_scaled_down(path):
    """They lie inside the image; only the annotation shows it."""
    fractions = [[19.7, 10.1, 24.3, 12.9], BOXES[1]]
    assert run(NoCoAPMetric(), annotated(path, fractions))
    with pytest.raises(ValueError, match='an image.png.*after Resize'):
        run(NoCoAPMetric(), annotated(path, BOXES, scale=0.5))
    # what the annotation has and the pipeline dropped is not missed
    sample = annotated(path, BOXES)
    sample['instances'].append(dict(bbox=[0, 0, 1, 1], ignore_flag=1))
    assert run(NoCoAPMetric(), sample)['sirst/NoCoAP10'] == 1


def test_oracle_of_exact_boxes(find_data):
    """From the files of SIRST-V2's test split to the published bias."""
    dataset = SIRSTDetDataset(
        'splits/test_full.txt', data_root=str(find_data('sirst-v2'))
    )
    metric = NoCoAPMetric()
    for info in (dataset.get_data_info(i) for i in range(len(dataset))):
        boxes = [target['bbox'] for target in info['instances']]
        boxes = torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)
        sample = dict(
            img_path=info['img_path'],
            ori_shape=(info['height'], info['width']),
            instances=info['instances'],
            gt_instances=dict(bboxes=boxes),
            pred_instances=dict(bboxes=boxes, scores=torch.ones(len(boxes))),
        )
        metric.process(None, [sample])
    assert round(metric.evaluate(256)['sirst/mNoCoAP'], 4) == 0.7312
