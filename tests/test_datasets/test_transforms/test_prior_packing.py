"""What is loaded of a prior, and what is packed with its image."""

import pytest
import torch
from prior_markers import (
    STRIDES,
    cell_means,
    marker,
    results_of,
    run,
    write_marker_cache,
)
from torch.utils.data._utils.pin_memory import pin_memory

from fdep_mm.datasets.transforms import LoadPrior, PackPriorInputs
from fdep_mm.priors import PriorCacheError


@pytest.fixture
def cache(tmp_path):
    return write_marker_cache(tmp_path / 'cache', marker())


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
    maps = sample.priors.maps
    batch = pin_memory([dict(data_samples=sample)])
    (own,) = pinned
    assert own is maps
    now = batch[0]['data_samples'].priors
    assert now.maps is not maps and torch.equal(now.maps, maps)
    assert now.shapes == sample.priors.shapes
