"""Reading a cache: what is checked, and what is refused."""

import json
import os
import shutil

import cv2
import numpy as np
import pytest
import torch
from prior_builders import (
    SIZES,
    build_dataset,
    build_model,
    load,
    prior_file,
    write_cache,
)

from fdep_mm.models.backbones import FrozenVFM
from fdep_mm.priors import CacheIndex, PriorCache, PriorCacheError
from fdep_mm.priors.index import entry_name
from fdep_mm.priors.writer import CacheWriter


def test_maps_are_those_of_the_vfm(images, cache):
    vfm = build_model().vfm
    reader = PriorCache(cache)
    for number in range(len(SIZES)):
        path, img = load(images, number)
        maps = reader.read(path, img, (1, 3, 5))
        online = vfm(torch.from_numpy(img).permute(2, 0, 1)[None])
        assert len(maps) == len(online) == 3
        for ours, theirs in zip(maps, online, strict=True):
            assert ours.dtype == torch.float16
            assert ours.shape == theirs.shape[1:]
            torch.testing.assert_close(
                ours.float(), theirs[0], rtol=2e-3, atol=2e-3
            )


def test_chosen_layers(images, cache):
    path, img = load(images)
    reader = PriorCache(cache)
    every = reader.read(path, img, (1, 3, 5))
    (one,) = reader.read(path, img, (3,))
    assert torch.equal(one, every[1])


def test_index(cache):
    index = CacheIndex.read(cache)
    assert index.layers == (1, 3, 5) and index.strides == (16, 16, 16)
    assert index.channels == build_model().vfm.channels
    assert index.dtype == 'float16' and index.pca is None
    assert len(index.vfm['weights_sha256']) == 64
    assert 'LoadInfraredImage' in index.loading[0] and len(index.loading) == 1


def test_names_do_not_depend_on_where_the_data_is():
    assert entry_name('/a/b/c/d.png') == 'b/c/d.png' == entry_name('b/c/d.png')
    assert entry_name('C:\\x\\d.png') == 'C_/x/d.png'
    assert entry_name('../../d.png') == 'd.png'


def test_moved_data(images, cache, tmp_path):
    moved = tmp_path / 'elsewhere' / images.name
    moved.parent.mkdir()
    images.rename(moved)
    assert len(PriorCache(cache).read(*load(moved), (1, 3, 5))) == 3


@pytest.mark.parametrize('change', ['size', 'time'])
def test_a_stale_image(images, cache, change):
    path, img = load(images)
    reader = PriorCache(cache)
    reader.read(path, img, (1,))
    if change == 'size':
        cv2.imwrite(path, np.full(SIZES[0], 9, np.uint8))
    else:
        os.utime(path, (0, 1e9))
    with pytest.raises(
        PriorCacheError,
        match=r"image 'data set/images/0.png' is stale.*cache_priors\.py",
    ):
        reader.read(*load(images), (1,))


def test_maps_of_another_cache(images, cache, tmp_path):
    other = write_cache(images, tmp_path / 'other', dict(seed=1)).folder
    shutil.copy(prior_file(other), prior_file(cache))
    with pytest.raises(PriorCacheError, match='0.png.*other options'):
        PriorCache(cache).read(*load(images), (1,))


def test_another_way_of_loading(images, cache):
    path, img = load(images)
    PriorCache(cache).read(path, img + np.float32(0.1), (1,))  # of a decoder
    with pytest.raises(PriorCacheError, match='0.png.*gray levels'):
        PriorCache(cache).read(path, img * 0.5, (1,))


def test_a_changed_image_before_load_prior(images, cache):
    path, img = load(images)
    with pytest.raises(PriorCacheError, match='80x64.*directly behind'):
        PriorCache(cache).read(path, img[:32], (1,))


@pytest.mark.parametrize('checked', [False, True])
@pytest.mark.parametrize('damage', ['cut', 'gone'])
def test_a_damaged_file(images, cache, damage, checked):
    """Found at the first reading, and in a process that read it before."""
    reader = PriorCache(cache)
    if checked:
        reader.read(*load(images), (1,))
    path = prior_file(cache)
    content = path.read_bytes()
    if damage == 'gone':
        path.unlink()
    else:
        path.write_bytes(content[:-7])
    with pytest.raises(
        PriorCacheError, match='0.png.*(damaged|missing).*cache_priors'
    ):
        reader.read(*load(images), (1,))


def test_a_missing_image(images, cache):
    path, img = load(images)
    with pytest.raises(
        PriorCacheError, match="prior of image 'x/y.png' is mis"
    ):
        PriorCache(cache).read('x/y.png', img, (1,))


def test_no_cache_or_a_damaged_index(cache, tmp_path):
    with pytest.raises(PriorCacheError, match='no file index.json.*--out'):
        PriorCache(tmp_path)
    path = cache / 'index.json'
    for text in ('{"format": 3', '[]', '{"format": 4}', '{"format": 3}'):
        path.write_text(text)
        with pytest.raises(PriorCacheError, match='index.json.*damaged'):
            PriorCache(cache)


def test_a_cache_of_an_older_version(images, cache):
    path = cache / 'index.json'
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record | dict(format=2)))
    for use in (PriorCache, frozen, lambda at: write_cache(images, at)):
        with pytest.raises(
            PriorCacheError, match='index.json: .*another version.*Remove the'
        ):
            use(cache)


def test_another_order_of_channels(images, cache):
    message = 'order of channels: bgr_to_rgb True in the cache, False in the'
    with pytest.raises(PriorCacheError, match=message):
        build_model(bgr_to_rgb=False, cache=str(cache))
    build_model(bgr_to_rgb=True, cache=str(cache))
    with pytest.raises(PriorCacheError, match='other priors.*bgr_to_rgb'):
        CacheWriter(build_model(bgr_to_rgb=False), cache).write(
            build_dataset(images)
        )


def test_the_order_of_channels_changes_the_maps():
    image = np.random.default_rng(0).integers(0, 255, (32, 32, 3), np.uint8)
    one, other = (
        CacheWriter(build_model(order), 'nowhere')._compute(image)
        for order in (True, False)
    )
    assert not torch.allclose(one[0], other[0])


def frozen(cache, **options):
    options = dict(
        model_name='test_vit', out_indices=(1, 3, 5), pretrained=False
    ) | dict(options)
    return FrozenVFM(cache=str(cache), **options)


def test_channels_come_from_the_index(cache):
    vfm = frozen(cache, out_indices=(1, 5))
    assert vfm.channels == build_model().vfm.channels[:2]
    assert vfm.strides == (16, 16)
    vfm.init_weights()
    assert vfm._vfm.module is None
    with pytest.raises(PriorCacheError, match='batch has no priors.*LoadPri'):
        vfm(torch.zeros(1, 3, 32, 32))


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(model_name='test_vit2'), "model_name 'test_vit'.*'test_vit2'"),
        (dict(out_indices=(0, 3)), r'layers \[0\].*has \[1, 3, 5\]'),
        (dict(norm=False), 'norm True in the cache, False'),
        (dict(input_scale=2.0), 'input_scale 1.0 in the cache, 2.0'),
        (dict(mean=(0.4, 0.5, 0.5)), r'mean \[0.5'),
        (dict(seed=3), 'seed 0 in the cache, 3'),
        (dict(pretrained=True), "weights 'random'.*timm"),
        (dict(checkpoint='no/such.pth'), "'file such.pth' in the config"),
    ],
)
def test_a_cache_of_another_vfm(cache, options, message):
    with pytest.raises(PriorCacheError, match=message):
        frozen(cache, **options)


def test_weights_of_a_file(images, tmp_path):
    """Compared by content where the file is there, else by its name."""
    import timm

    path = tmp_path / 'vit.pth'
    torch.save(timm.create_model('test_vit').state_dict(), path)
    folder = tmp_path / 'of file'
    given = dict(checkpoint=str(path))
    write_cache(images, folder, vfm=given)
    frozen(folder, **given)
    renamed = path.rename(tmp_path / 'other name.pth')
    frozen(folder, checkpoint=str(renamed))
    frozen(folder, **given)  # the file is gone: nobody needs it
    torch.save(timm.create_model('test_vit').state_dict(), path)
    with pytest.raises(PriorCacheError, match='checkpoint_sha256'):
        frozen(folder, **given)
    with pytest.raises(PriorCacheError, match='holds other priors.*--out'):
        write_cache(images, folder, vfm=given)
