import numpy as np
import pytest

from fdep_mm.datasets.transforms import (
    RandomRot90,
    RandomShiftScaleRotate,
    TargetCrop,
)


def sample(height, width, targets=()):
    """Image whose pixels name their place; mask and a second field."""
    place = np.arange(height * width).reshape(height, width)
    mask = np.zeros((height, width), np.uint8)
    for y, x in targets:
        mask[y, x] = 1
    return dict(
        img_path='x.png',
        img=np.repeat(place[..., None], 3, -1).astype(np.float32),
        gt_seg_map=mask,
        gt_edge_map=mask + 1,
        seg_fields=['gt_seg_map', 'gt_edge_map'],
        img_shape=(height, width),
    )


def test_image_and_all_fields_are_cut_alike():
    crop = TargetCrop((7, 9), target_prob=0.5)
    for _ in range(50):
        whole = sample(20, 30, [(5, 6), (18, 29)])
        out = crop(sample(20, 30, [(5, 6), (18, 29)]))
        assert out['img'].shape == (7, 9, 3) and out['img_shape'] == (7, 9)
        top, left = np.divmod(int(out['img'][0, 0, 0]), 30)
        window = np.s_[top : top + 7, left : left + 9]
        assert (out['img'] == whole['img'][window]).all()
        for key in whole['seg_fields']:
            assert (out[key] == whole[key][window]).all()


def test_forced_windows_hold_a_target_and_reach_every_place():
    crop = TargetCrop((4, 5), target_prob=1)
    origins = set()
    for _ in range(600):
        out = crop(sample(20, 30, [(10, 12)]))
        assert out['gt_seg_map'].any()
        origins.add(int(out['img'][0, 0, 0]))
    expected = {y * 30 + x for y in range(7, 11) for x in range(8, 13)}
    assert origins == expected


def test_forced_windows_at_the_corner():
    crop = TargetCrop((4, 5), target_prob=1)
    for pixel in ((0, 0), (19, 29)):
        assert all(
            crop(sample(20, 30, [pixel]))['gt_seg_map'].any()
            for _ in range(30)
        )


def test_share_of_forced_windows():
    # A uniform 4x4 window of 64x64 rarely holds the target.
    crop = TargetCrop((4, 4), target_prob=0.3)
    hits = [
        crop(sample(64, 64, [(30, 30)]))['gt_seg_map'].any()
        for _ in range(1000)
    ]
    assert 0.25 < np.mean(hits) < 0.36


def test_uniform_windows_reach_every_place():
    crop = TargetCrop((4, 5), target_prob=0)
    origins = {int(crop(sample(6, 8))['img'][0, 0, 0]) for _ in range(300)}
    assert origins == {y * 8 + x for y in range(3) for x in range(4)}


@pytest.mark.parametrize('shape', [(20, 30), (64, 30), (20, 64), (40, 50)])
def test_small_images_are_padded_at_bottom_and_right(shape):
    out = TargetCrop((40, 50), 0.5, pad_val=9)(sample(*shape, [(1, 2)]))
    assert out['img'].shape == (40, 50, 3)
    assert out['gt_seg_map'].shape == out['gt_edge_map'].shape == (40, 50)
    height, width = min(shape[0], 40), min(shape[1], 50)
    assert (out['img'][height:] == 9).all()
    assert (out['img'][:, width:] == 9).all()
    assert not out['gt_seg_map'][height:].any()
    assert not out['gt_edge_map'][:, width:].any()
    if shape == (20, 30):
        assert (out['img'][:20, :30] == sample(20, 30)['img']).all()


def test_no_target_gives_a_uniform_window():
    assert TargetCrop((4, 4), 1)(sample(9, 9))['img'].shape == (4, 4, 3)


def test_no_mask():
    results = dict(img_path='x.png', img=np.zeros((9, 9, 3), np.float32))
    with pytest.raises(ValueError, match='x.png.*target_prob=0'):
        TargetCrop((4, 4))(results)
    assert TargetCrop((4, 4), 0)(results)['img'].shape == (4, 4, 3)


@pytest.mark.parametrize(
    'transform',
    [TargetCrop((4, 5)), RandomRot90(), RandomShiftScaleRotate(shift=0.1)],
    ids=str,
)
def test_a_mask_of_another_size_is_refused(transform):
    results = sample(20, 30)
    results['gt_edge_map'] = results['gt_edge_map'][::2]
    with pytest.raises(ValueError, match='x.png: .* gt_edge_map .* Resize'):
        transform(results)


@pytest.mark.parametrize(
    'arguments', [((0, 4),), ((4,),), ((4, 4), 1.5), ((4, 4), -0.1)]
)
def test_bad_arguments(arguments):
    with pytest.raises(ValueError, match='crop_size|target_prob'):
        TargetCrop(*arguments)


def test_one_number_is_both_sides():
    assert TargetCrop(4).crop_size == (4, 4)
