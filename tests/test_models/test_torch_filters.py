"""The filters in PyTorch give the maps of those of numpy arrays."""

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from mmseg.structures import SegDataSample

from fdep_mm.models.classical import METHODS, torch_walks
from fdep_mm.models.classical.fkrw import walk_one_by_one
from fdep_mm.models.classical.torch_filters import FILTERS
from fdep_mm.registry import MODELS

OPTIONS = [(name, {}) for name in FILTERS] + [
    ('tophat', dict(size=3)),
    ('new_tophat', dict(outer=6, inner=2)),
    ('max_median', dict(half=3)),
    ('max_mean', dict(half=1)),
    ('lcm', dict(peak='pixel', scales=(3, 7))),
    ('lcm', dict(peak='mean')),
    ('mpcm', dict(bright_only=True)),
    ('wldm', dict(normalise=False, window=7, entropy_window=3)),
    ('rlcm', dict(peak='pixel', size=5, counts=[(1, 3)])),
    ('tllcm', dict(scales=(5, 7), count=12)),
    ('fkrw', dict(k=1.0, beta=50.0, power=2.0, eps=1e-3)),
]


def images() -> np.ndarray:
    """Two scenes with targets, one constant, (3, 45, 60) uint8."""
    y, x = np.mgrid[:45, :60]
    rng = np.random.default_rng(0)
    scene = 90 + 25 * np.sin(x / 17) * np.cos(y / 23 + x / 40)
    spot = 90 * np.exp(-((y - 20) ** 2 + (x - 26) ** 2) / 3)
    noise = rng.normal(0, 3, (2, 45, 60))
    first, second = (scene + spot, 60 + x + spot[::-1, ::-1]) + noise
    flat = np.full_like(scene, 77)
    return np.stack([first, second, flat]).clip(0, 255).round().astype('u1')


@pytest.mark.parametrize(
    ('name', 'params'), OPTIONS, ids=[f'{n}-{[*p]}' for n, p in OPTIONS]
)
def test_same_maps(name, params):
    scores = FILTERS[name](
        torch.from_numpy(images())[:, None].float(), **params
    )
    assert scores.dtype == torch.float32 and scores.shape == (3, 1, 45, 60)
    for image, score in zip(images(), scores, strict=True):
        expected = METHODS[name](image, **params)
        np.testing.assert_allclose(score[0], expected, atol=1e-4)


@pytest.mark.parametrize('shape', [(2, 2), (1, 20), (7, 7), (5, 40)])
def test_walks_in_small_images(shape):
    noise = np.random.default_rng(0).integers(0, 256, (4, *shape), np.uint8)
    found = FILTERS['fkrw'](torch.from_numpy(noise)[:, None].float(), k=0.5)
    for image, score in zip(noise, found, strict=True):
        expected = METHODS['fkrw'](image, k=0.5)
        np.testing.assert_allclose(score[0], expected, atol=1e-4)


@pytest.mark.parametrize('number', [0, 1, 20])
def test_walks_one_by_one_and_at_once(number, monkeypatch):
    monkeypatch.setattr(torch_walks, 'AT_ONCE', 7)
    rng = np.random.default_rng(0)
    image = rng.uniform(0.3, 0.35, (40, 50))
    ys, xs = rng.integers(0, 30, number), rng.integers(0, 40, number)
    one = walk_one_by_one(image, ys, xs, 200.0, 1e-5)
    cpu = torch.device('cpu')
    batch = torch_walks.walk_at_once(image, ys, xs, 200.0, 1e-5, cpu)
    for i in range(number):
        assert 0 < one(i)[1:-1, 1:-1].min() and one(i)[5, 5] == 1
        np.testing.assert_allclose(batch(i), one(i), atol=1e-9)
    with pytest.raises(IndexError):
        batch(number)


@pytest.mark.parametrize(
    ('name', 'params', 'message'),
    [
        ('tophat', dict(size=4), 'size must be positive odd'),
        ('tophat', dict(size=5.0), 'size must be positive odd'),
        ('new_tophat', dict(outer=3, inner=3), 'inner < outer'),
        ('max_median', dict(half=0), 'half must be at least 1'),
        ('max_mean', dict(half=0), 'half must be at least 1'),
        ('lcm', dict(scales=(4,)), 'scales must be positive odd'),
        ('lcm', dict(peak='top'), "peak must be .* got 'top'"),
        ('mpcm', dict(scales=(4,)), 'scales must be positive odd'),
        ('wldm', dict(window=3), 'window must be at least 5'),
        ('wldm', dict(entropy_window=4), 'entropy_window must be positive'),
        ('rlcm', dict(size=4), 'size must be positive odd'),
        ('rlcm', dict(counts=[(0, 3)]), 'counts must be from 1 to'),
        ('rlcm', dict(peak='top'), "peak must be .* got 'top'"),
        ('tllcm', dict(scales=()), 'scales must be positive odd'),
        ('tllcm', dict(count=10), 'count must be from 1 to 9'),
    ],
)
def test_same_errors(name, params, message):
    with pytest.raises(ValueError, match=message):
        METHODS[name](images()[0], **params)
    with pytest.raises(ValueError, match=message):
        FILTERS[name](torch.from_numpy(images())[:, None].float(), **params)


def test_unit_range_is_told():
    batch = torch.from_numpy(images())[:, None].float()
    with pytest.warns(UserWarning, match=r'image \* 255') as caught:
        FILTERS['mpcm'](batch / 255)
    assert caught[0].filename == __file__


@pytest.mark.parametrize('method', METHODS)
def test_the_segmentor_uses_them(method, monkeypatch):
    init_default_scope('mmseg')
    cfg = dict(type='fdep_mm.ClassicalSegmentor', method=method)
    params = dict(patch=24, stride=4) if method == 'nipps' else {}
    image = torch.from_numpy(images())[:1, None].float().expand(1, 3, -1, -1)
    numpy, pytorch = (
        MODELS.build(dict(cfg, backend=b, params=params))
        for b in ('numpy', 'torch')
    )
    expected = numpy(image)
    assert expected.any()
    torch.testing.assert_close(pytorch(image), expected, atol=2e-3, rtol=0)
    if method in FILTERS:

        def refuse(*args, **kwargs):
            raise AssertionError('numpy was used')

        monkeypatch.setattr(pytorch, 'method', refuse)
        pytorch(image)


def test_images_of_one_size_are_one_batch(monkeypatch):
    init_default_scope('mmseg')
    model = MODELS.build(
        dict(type='fdep_mm.ClassicalSegmentor', method='mpcm', backend='torch')
    )
    sizes = []
    search = model._filter

    def count(batch):
        sizes.append(tuple(batch.shape))
        return search(batch)

    monkeypatch.setattr(model, '_filter', count)
    batch = torch.from_numpy(images())[:, None].float().expand(-1, 3, -1, -1)
    scores = model(batch)
    results = model.predict(batch)
    padded = [SegDataSample(metainfo=dict(img_padding_size=[0, 4, 0, 0]))]
    model.predict(batch[:2], padded + [SegDataSample()])
    one, cut = (1, 1, 45, 60), (1, 1, 45, 56)
    assert sizes == [(3, 1, 45, 60)] * 2 + [cut, one]
    for image, score, result in zip(images(), scores, results, strict=True):
        expected = METHODS['mpcm'](image)
        np.testing.assert_allclose(score[0], expected, atol=1e-4)
        torch.testing.assert_close(result.seg_logits.data, score)


def test_what_torch_cannot_falls_back():
    init_default_scope('mmseg')
    cfg = dict(
        type='fdep_mm.ClassicalSegmentor',
        method='tophat',
        params=dict(shape='disk'),
        backend='torch',
    )
    image = torch.from_numpy(images())[:1, None].float().expand(1, 3, -1, -1)
    score = MODELS.build(cfg)(image)[0, 0]
    expected = METHODS['tophat'](images()[0], shape='disk')
    np.testing.assert_array_equal(score, expected)
    with pytest.raises(ValueError, match='backend must be'):
        MODELS.build(dict(cfg, backend='cuda'))
