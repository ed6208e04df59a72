"""Prior and image stay together under every transform of the pipelines."""

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from prior_markers import STRIDES, cell_means, marker, run, write_marker_cache


@pytest.fixture
def cache(tmp_path):
    return write_marker_cache(tmp_path / 'cache', marker())


CROP = dict(type='fdep_mm.TargetCrop', crop_size=(32, 32), target_prob=0)
ALIGNED = {
    'nothing': (),
    'horizontal flip': (
        dict(type='RandomFlip', prob=1.0, direction='horizontal'),
    ),
    'vertical flip': (
        dict(type='RandomFlip', prob=1.0, direction='vertical'),
    ),
    'transpose': (dict(type='fdep_mm.RandomTranspose'),),
    'quarter turns': (dict(type='fdep_mm.RandomRot90'),),
    'all of them': (
        dict(type='RandomFlip', prob=1.0, direction='horizontal'),
        dict(type='fdep_mm.RandomRot90'),
        dict(type='fdep_mm.RandomTranspose'),
        dict(type='RandomFlip', prob=1.0, direction='vertical'),
    ),
    'padding': (
        dict(type='fdep_mm.TargetCrop', crop_size=(80, 96), target_prob=0),
        dict(type='fdep_mm.RandomRot90'),
    ),
}


@pytest.mark.parametrize('name', ALIGNED)
def test_aligned_transforms_are_exact(cache, name):
    """No interpolation: the cached values themselves, in new places."""
    for _ in range(6):
        image, maps, _ = run(cache, *ALIGNED[name])
        stored = set(cell_means(marker(), 4).flatten().tolist()) | {0.0}
        assert set(maps[0].flatten().tolist()) <= stored
        for stride, one in zip(STRIDES, maps, strict=True):
            torch.testing.assert_close(one, cell_means(image, stride))


def test_crops_at_multiples_of_the_stride_are_slices(cache, monkeypatch):
    origin = [0, 0]
    monkeypatch.setattr(
        np.random, 'randint', lambda low, high: np.array(origin)
    )
    whole = run(cache)[1]
    for origin[:] in ([0, 0], [8, 16], [32, 64]):
        image, maps, _ = run(cache, CROP)
        for stride, one, full in zip(STRIDES, maps, whole, strict=True):
            top, left = origin[0] // stride, origin[1] // stride
            cells = 32 // stride
            expected = full[:, top : top + cells, left : left + cells]
            assert torch.equal(one, expected)
            torch.testing.assert_close(one, cell_means(image, stride))


MOVES = {
    'crop': (CROP,),
    'crop and turn': (CROP, dict(type='fdep_mm.RandomRot90')),
    'rotate': (dict(type='RandomRotate', prob=1.0, degree=45, seg_pad_val=0),),
    'rotate, 255 outside': (dict(type='RandomRotate', prob=1.0, degree=45),),
    'shift': (
        dict(
            type='fdep_mm.RandomShiftScaleRotate',
            shift=0.2,
            border='constant',
        ),
    ),
    'scale': (dict(type='fdep_mm.RandomShiftScaleRotate', scale=0.2),),
    'resize': (dict(type='Resize', scale=(144, 96)),),
}


def slope(size=(64, 96)) -> np.ndarray:
    """A plane: interpolating it linearly is exact, 1 px off is not."""
    rows, columns = np.mgrid[: size[0], : size[1]].astype(np.float32)
    gray = 40 + 1.3 * rows + 0.7 * columns
    return np.repeat(gray[..., None], 3, -1).astype(np.float32)


@pytest.mark.parametrize('name', MOVES)
def test_other_moves_are_interpolated(tmp_path, name):
    """Within the image; where the image's border enters, cells differ."""
    cache = write_marker_cache(tmp_path / 'slope', slope())
    # OpenCV takes pixels of fields by nearest neighbors: 0.5 px in each axis
    tolerance = 0.01 if 'crop' in name else 1.01
    for _ in range(8):
        image, maps, _ = run(cache, *MOVES[name], img=slope())
        for stride, one in zip(STRIDES, maps, strict=True):
            black = image[..., 0] < 20
            near = cv2.dilate(
                black.astype(np.float32), np.ones((3 * stride, 3 * stride))
            )
            inside = cell_means(near[..., None], stride)[0] == 0
            inside[[0, -1]] = inside[:, [0, -1]] = False
            expected = cell_means(image, stride)
            assert inside.sum() >= 4
            wrong = (one - expected)[0][inside]
            assert wrong.abs().max() < tolerance


def test_a_prior_is_reflected_with_its_image(tmp_path):
    cache = write_marker_cache(tmp_path / 'slope', slope())
    shift = dict(type='fdep_mm.RandomShiftScaleRotate', shift=0.3)
    for _ in range(8):
        image, maps, _ = run(cache, shift, img=slope())
        for stride, one in zip(STRIDES, maps, strict=True):
            # cells with the mirror in them mean another thing
            kink = np.abs(cv2.Laplacian(image[..., 0], cv2.CV_32F)) > 0.1
            near = cv2.dilate(
                kink.astype(np.float32), np.ones((2 * stride, 2 * stride))
            )
            inside = cell_means(near[..., None], stride)[0] == 0
            expected = cell_means(image, stride)
            assert inside.sum() >= 10
            assert (one - expected)[0][inside].abs().max() < 1.01


def test_the_mean_cell_of_a_black_border_is_zero(cache):
    shift = dict(
        type='fdep_mm.RandomShiftScaleRotate', shift=0.9, border='constant'
    )
    found = 0
    for _ in range(10):
        image, maps, _ = run(cache, shift)
        expected = cell_means(image, 4)
        found += int((expected == 0).sum())
        # but for cells at the very border of the image
        assert ((maps[0] == 0) == (expected == 0)).float().mean() > 0.9
    assert found > 50


@pytest.mark.parametrize(
    'config',
    [
        dict(type='fdep_mm.RandomBrightnessContrast', brightness=0.3),
        dict(type='fdep_mm.RandomBrightnessContrast', contrast=0.3),
        dict(type='fdep_mm.RandomGaussianNoise'),
    ],
    ids=str,
)
def test_photometric_transforms_leave_the_prior(cache, config):
    image, maps, _ = run(cache, config)
    assert not np.array_equal(image, marker())
    for one, before in zip(maps, run(cache)[1], strict=True):
        assert torch.equal(one, before)


def test_the_whole_recipe(cache, repo):
    path = repo / 'configs/_base_/datasets/sirst_256x256.py'
    recipe = Config.fromfile(path).augmentation
    recipe.prob = 1.0
    for _ in range(20):
        image, maps, packed = run(cache, CROP, recipe)
        assert packed['inputs'].shape == (3, 32, 32)
        assert [tuple(m.shape) for m in maps] == [(1, 8, 8), (1, 4, 4)]
        assert all(m.isfinite().all() for m in maps)
        assert packed['data_samples'].gt_sem_seg.shape == (32, 32)
