"""Prior and image stay together under every transform of the pipelines.

The prior of the marker image is made of the image itself: mean gray levels of
its cells. After any transform it must be the mean gray levels of the new
image's cells.
"""

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import TRANSFORMS
from safetensors.torch import save_file
from torch.utils.data._utils.pin_memory import pin_memory

from fdep_mm.datasets.transforms import LoadPrior, PackPriorInputs
from fdep_mm.priors import CacheIndex, PriorCacheError
from fdep_mm.priors.index import image_note, map_file, metadata

STRIDES = (4, 8)
LAYERS = (2, 5)
NAME = 'some/marker/image'


def cell_means(img: np.ndarray, stride: int) -> torch.Tensor:
    """(1, h, w) means of the first channel's cells."""
    gray = torch.from_numpy(np.ascontiguousarray(img[..., 0]))
    return torch.nn.functional.avg_pool2d(gray[None], stride)


def marker(size=(64, 96)) -> np.ndarray:
    """Smooth, and without any symmetry: a bright blob and a slope."""
    rows, columns = np.mgrid[: size[0], : size[1]].astype(np.float32)
    blob = np.exp(-((rows - 20) ** 2 + (columns - 60) ** 2) / (2 * 22**2))
    gray = 60 + 100 * blob + 0.5 * rows - 0.2 * columns
    return np.repeat(gray[..., None], 3, -1).astype(np.float32)


def results_of(img):
    return dict(
        img_path=NAME,
        img=img.copy(),
        gt_seg_map=(img[..., 0] > 140).astype(np.uint8),
        seg_fields=['gt_seg_map'],
        img_shape=img.shape[:2],
        ori_shape=img.shape[:2],
    )


def write_marker_cache(folder, img):
    """A cache whose maps are the image's cell means."""
    path = map_file(folder, NAME)
    path.parent.mkdir(parents=True)
    maps = {
        f'layer_{layer}': cell_means(img, stride)
        for layer, stride in zip(LAYERS, STRIDES, strict=True)
    }
    index = CacheIndex(
        vfm=dict(model_name='cell means', input_scale=1.0),
        layers=LAYERS,
        channels=(1, 1),
        strides=STRIDES,
        dtype='float32',
        loading=[],
    )
    save_file(maps, path, metadata(image_note(NAME, img, index.key)))
    (folder / 'index.json').write_text(index.to_json())
    return str(folder)


@pytest.fixture
def cache(tmp_path):
    return write_marker_cache(tmp_path / 'cache', marker())


def run(cache, *configs, img=None):
    """Load, transform, pack: image (H, W, 3) and maps (1, h, w)."""
    results = LoadPrior(cache)(results_of(marker() if img is None else img))
    for config in configs:
        results = TRANSFORMS.build(config)(results)
    image = results['img']
    packed = PackPriorInputs()(results)
    prior = packed['data_samples'].priors
    sizes = [c * h * w for c, h, w in prior.shapes]
    pieces = prior.maps.split(sizes)
    maps = [
        piece.view(shape)
        for piece, shape in zip(pieces, prior.shapes, strict=True)
    ]
    return image, maps, packed


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


def test_sizes_that_the_stride_does_not_divide(tmp_path):
    """The VFM sees such an image resized: its cells are a bit longer."""
    img = marker((66, 99))
    cache = write_marker_cache(tmp_path / 'c', img)
    image, maps, _ = run(cache, img=img)
    assert [tuple(m.shape) for m in maps] == [(1, 16, 24), (1, 8, 12)]
    for one, stride in zip(maps, STRIDES, strict=True):
        assert torch.equal(one, cell_means(img, stride))


def test_layers(cache):
    results = LoadPrior(cache, layers=(5,))(results_of(marker()))
    assert len(results['priors']) == 1
    with pytest.raises(PriorCacheError, match=r'layers \[2, 5\]'):
        LoadPrior(cache, layers=(3,))
    with pytest.raises(PriorCacheError, match=r'layers \[2, 5\]'):
        LoadPrior(cache, layers=())
    assert 'layers=(2, 5)' in repr(LoadPrior(cache))


def test_packing_without_a_prior():
    packed = PackPriorInputs()(results_of(marker()))
    assert 'priors' not in packed['data_samples']


def test_a_transform_that_forgets_the_fields(cache):
    results = LoadPrior(cache)(results_of(marker()))
    results['img'] = results['img'][:32]
    with pytest.raises(PriorCacheError, match=r"not all of results\['seg_f"):
        PackPriorInputs()(results)


class FlipsTwoKeys:
    """As transforms do that know no other fields: albumentations, say."""

    def __call__(self, results):
        for key in ('img', 'gt_seg_map'):
            results[key] = results[key][:, ::-1].copy()
        return results


def test_a_transform_that_forgets_the_place_of_the_prior(cache):
    """The sizes are as they were, so only the targets tell."""
    results = FlipsTwoKeys()(LoadPrior(cache)(results_of(marker())))
    with pytest.raises(PriorCacheError, match='target pixels are not'):
        PackPriorInputs()(results)


def test_labels_that_a_transform_adds_or_takes(cache):
    """A target pasted into both is no move; neither is one cut out."""
    results = LoadPrior(cache)(results_of(marker()))
    results['gt_seg_map'][:10, :10] = 1
    results['img'][:10, :10] = 255
    PackPriorInputs()(results)
    cut = dict(
        type='RandomCutOut',
        prob=1.0,
        n_holes=1,
        cutout_shape=(60, 90),
        seg_fill_in=0,
    )
    for _ in range(5):
        run(cache, cut)


def test_a_data_loader_can_pin_the_prior(cache, monkeypatch):
    pinned = []

    def pin(tensor):
        pinned.append(tensor)
        return tensor.clone()

    monkeypatch.setattr(torch.Tensor, 'pin_memory', pin)
    sample = run(cache)[2]['data_samples']
    copy = pin_memory([dict(data_samples=sample)])[0]['data_samples']
    assert len(pinned) == 2
    assert pinned[1] is sample.priors.maps or pinned[0] is sample.priors.maps
    assert torch.equal(copy.priors.maps, sample.priors.maps)
    assert torch.equal(copy.gt_sem_seg.data, sample.gt_sem_seg.data)
    assert copy.img_path == sample.img_path
    assert copy.priors.shapes == sample.priors.shapes
