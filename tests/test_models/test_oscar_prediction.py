"""OSCAR's detections: by hand, at the borders, exported."""

import copy

import pytest
import torch

pytest.importorskip('mmdet.models')
from detector_builders import build_detector  # noqa: E402
from mmdet.structures import DetDataSample  # noqa: E402
from oscar_builders import small_cfg  # noqa: E402


@pytest.fixture(scope='module')
def small():
    return build_detector(small_cfg())


def blank_maps():
    """One image of 32x32 px that nothing is found in."""
    model = build_detector(small_cfg())
    model.eval()
    maps = model(torch.zeros(1, 3, 32, 32), mode='tensor')
    low = {
        name: torch.full_like(value, -20.0)
        for name, value in maps._asdict().items()
        if 'reg' not in name
    }
    maps = maps._replace(
        **low,
        coarse_reg=torch.full_like(maps.coarse_reg, 4.0),
        refine_reg=torch.zeros_like(maps.refine_reg),
    )
    return model.bbox_head, maps


def predict(head, maps, rescale=False, **meta):
    meta = dict(img_shape=(32, 32), scale_factor=(2.0, 4.0)) | meta
    return head.predict_by_feat(
        *maps, batch_img_metas=[meta], rescale=rescale
    )[0]


def test_prediction_by_hand():
    head, maps = blank_maps()
    maps.refine_cls[0, 0, 2, 5] = 0.0  # coarse cell 1, 2: center (20, 12)
    maps.coarse_cls[0, 0, 1, 2] = 1.0
    maps.refine_noco[0, 0, 2, 5] = 2.0
    maps.refine_reg[0, :, 2, 5] = torch.tensor((0.5, 0.0, -0.25, 1.0))
    out = predict(head, maps)
    box = torch.tensor([[18.0, 8.0, 23.0, 20.0]])
    torch.testing.assert_close(out.bboxes, box)
    score = 0.5 * torch.sigmoid(torch.tensor([1.0])) * 0.880797
    torch.testing.assert_close(out.scores, score)
    assert out.labels.tolist() == [0]
    rescaled = predict(head, maps, rescale=True)
    torch.testing.assert_close(
        rescaled.bboxes, box / torch.tensor([2.0, 4.0, 2.0, 4.0])
    )


def test_threshold_applies_to_the_refined_class_score_alone():
    head, maps = blank_maps()
    maps.refine_cls[0, 0, 2, 5] = -2.9  # 0.052
    maps.refine_cls[0, 0, 6, 1] = -3.0  # 0.047
    out = predict(head, maps)
    assert len(out) == 1
    assert out.scores.item() < 1e-9  # nothing filters the product


def test_boxes_are_clipped_to_the_image_without_its_padding():
    head, maps = blank_maps()
    maps.refine_cls[0, 0, 0, 0] = maps.refine_cls[0, 0, 7, 7] = 3.0
    maps.coarse_reg[:] = 100.0
    out = predict(head, maps, img_shape=(20, 30))
    torch.testing.assert_close(
        out.bboxes, torch.tensor([[0.0, 0.0, 30.0, 20.0]])
    )


def test_nms_and_its_limit():
    head, maps = blank_maps()
    maps.refine_cls[:] = 1.0  # four cells share a box
    assert len(predict(head, maps)) == 16
    head.test_cfg = head.test_cfg.copy()
    head.test_cfg['max_per_img'] = 7
    assert len(predict(head, maps)) == 7


@pytest.mark.parametrize(('smallest', 'kept'), ((-1, 2), (0, 1)))
def test_inverted_boxes(smallest, kept):
    head, maps = blank_maps()
    maps.refine_cls[0, 0, 1, 1] = maps.refine_cls[0, 0, 6, 6] = 1.0
    maps.refine_reg[0, 0, 6, 6] = 3.0  # left of the box right of its right
    head.test_cfg = head.test_cfg.copy()
    head.test_cfg['min_bbox_size'] = smallest
    out = predict(head, maps)
    assert len(out) == kept
    assert out.bboxes.isfinite().all()


def test_centroids_are_in_px_of_the_returned_boxes():
    head, maps = blank_maps()
    maps.refine_cls[0, 0, 2, 5] = 0.0  # box 16..24 x 8..16
    maps.refine_noco[0, 0, 3, 4] = 2.0  # pixel 18, 14
    out = predict(head, maps)
    torch.testing.assert_close(out.centroids, torch.tensor([[18.5, 14.5]]))
    out = predict(head, maps, rescale=True)
    torch.testing.assert_close(out.centroids, torch.tensor([[9.25, 3.625]]))


def test_nothing_found():
    out = predict(*blank_maps())
    assert out.bboxes.shape == (0, 4)
    assert out.centroids.shape == (0, 2)
    assert out.scores.shape == out.labels.shape == (0,)


@pytest.mark.parametrize('size', ((20, 9), (33, 65)))
def test_image_that_the_divisor_does_not_divide(small, size):
    """Smaller than the divisor as well; resized by no transform."""
    model = copy.deepcopy(small).eval()
    sample = DetDataSample(metainfo=dict(img_shape=size, ori_shape=size))
    data = dict(
        inputs=[torch.randint(0, 256, (3, *size)).byte()],
        data_samples=[sample],
    )
    with torch.no_grad():
        found = model.test_step(data)[0].pred_instances
    assert len(found)
    limits = torch.tensor([size[1], size[0]] * 2)
    assert ((found.bboxes >= 0) & (found.bboxes <= limits)).all()
