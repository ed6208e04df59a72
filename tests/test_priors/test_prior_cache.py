"""Caches: what is kept, what is made anew, and what is refused."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from prior_builders import (
    build_dataset,
    build_model,
    digest,
    write_cache,
    write_images,
)
from safetensors.torch import load_file

from fdep_mm.datasets.transforms import LoadInfraredImage
from fdep_mm.models import FrozenVFM
from fdep_mm.priors import CacheIndex, PriorCache, PriorCacheError
from fdep_mm.priors.index import image_name
from fdep_mm.priors.writer import CacheWriter

SIZES = [(64, 80), (48, 48), (70, 33)]


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    """Images and their cache, made once."""
    folder = tmp_path_factory.mktemp('made')
    write_images(folder / 'data set', SIZES)
    write_cache(folder / 'data set', folder / 'cache')
    return folder


@pytest.fixture
def images(made, tmp_path):
    return Path(shutil.copytree(made / 'data set', tmp_path / 'data set'))


@pytest.fixture
def cache(made, tmp_path):
    return Path(shutil.copytree(made / 'cache', tmp_path / 'cache'))


def load(root, number=0):
    path = str(root / f'images/{number}.png')
    return path, LoadInfraredImage()(dict(img_path=path))['img']


def prior_file(cache, number=0):
    (path,) = cache.rglob(f'{number}.png.safetensors')
    return path


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
        assert reader.index.images[image_name(path)].size == img.shape[:2]


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
    for entry in index.images.values():
        assert (cache / entry.file).stat().st_size == entry.bytes


def test_names_do_not_depend_on_where_the_data_is():
    assert image_name('/a/b/c/d.png') == 'b/c/d.png' == image_name('b/c/d.png')
    assert image_name('C:\\x\\d.png') == 'C_/x/d.png'
    assert image_name('../../d.png') == 'd.png'


def test_moved_data(images, cache, tmp_path):
    moved = tmp_path / 'elsewhere' / images.name
    moved.parent.mkdir()
    images.rename(moved)
    assert len(PriorCache(cache).read(*load(moved), (1, 3, 5))) == 3


def test_an_interrupted_run_goes_on(images, cache, tmp_path, monkeypatch):
    """The same files, and no image goes through the VFM twice."""
    whole = digest(cache)
    other = tmp_path / 'other'
    writer = CacheWriter(build_model(), other)
    compute = writer._compute

    def stop(img):
        if writer.made == 2:
            raise KeyboardInterrupt
        return compute(img)

    monkeypatch.setattr(writer, '_compute', stop)
    with pytest.raises(KeyboardInterrupt):
        writer.write(build_dataset(images))
    assert len(list(other.rglob('*.safetensors'))) == 2
    with pytest.raises(PriorCacheError, match='no prior of image'):
        PriorCache(other).read(*load(images), (1,))
    assert write_cache(images, other).made == 1
    assert digest(other) == whole
    assert write_cache(images, other).made == 0


def test_only_what_changed_is_made_anew(images, cache):
    before = digest(cache)
    cv2.imwrite(str(images / 'images/1.png'), np.full(SIZES[1], 7, np.uint8))
    prior_file(cache, 2).write_bytes(b'damaged')
    write_images(images.parent / 'more', SIZES[:1])
    (images.parent / 'more/images/0.png').rename(images / 'images/new.png')
    (images.parent / 'more/masks/0.png').rename(images / 'masks/new.png')
    assert write_cache(images, cache).made == 3
    after = digest(cache)
    changed = {k for k in after if after[k] != before.get(k)}
    assert {k.split('/')[-1] for k in changed} == {
        'index.json',
        '1.png.safetensors',
        'new.png.safetensors',
    }


def test_a_stale_image(images, cache):
    path, img = load(images)
    reader = PriorCache(cache)
    reader.read(path, img, (1,))
    cv2.imwrite(path, np.full(SIZES[0], 9, np.uint8))
    with pytest.raises(
        PriorCacheError,
        match=r"image 'data set/images/0.png' is stale.*cache_priors\.py",
    ):
        reader.read(*load(images), (1,))


def test_another_way_of_loading(images, cache):
    path, img = load(images)
    with pytest.raises(PriorCacheError, match='0.png.*grey levels'):
        PriorCache(cache).read(path, img * 0.5, (1,))


def test_a_changed_image_before_load_prior(images, cache):
    path, img = load(images)
    with pytest.raises(PriorCacheError, match='80x64.*directly behind'):
        PriorCache(cache).read(path, img[:32], (1,))


@pytest.mark.parametrize('checked', [False, True])
@pytest.mark.parametrize('damage', ['cut', 'flip', 'gone'])
def test_a_damaged_file(images, cache, damage, checked):
    """Found at the first reading, and in a process that read it before."""
    reader = PriorCache(cache)
    if checked:
        reader.read(*load(images), (1,))
    path = prior_file(cache)
    content = bytearray(path.read_bytes())
    if damage == 'gone':
        path.unlink()
    elif damage == 'cut':
        path.write_bytes(content[:-7])
    else:
        content[-7] ^= 1
        path.write_bytes(content)
    with pytest.raises(
        PriorCacheError, match='0.png.*(damaged|no file).*cache_priors'
    ):
        reader.read(*load(images), (1,))


def test_a_missing_image(images, cache):
    path, img = load(images)
    with pytest.raises(PriorCacheError, match="no prior of image.*'x/y.png'"):
        PriorCache(cache).read('x/y.png', img, (1,))


def test_no_cache_or_a_damaged_index(cache, tmp_path):
    with pytest.raises(PriorCacheError, match='no file index.json.*--out'):
        PriorCache(tmp_path)
    path = cache / 'index.json'
    for text in ('{"format": 1', '[]', '{"format": 2}', '{"format": 1}'):
        path.write_text(text)
        with pytest.raises(PriorCacheError, match='index.json.*damaged'):
            PriorCache(cache)


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


def test_other_options_do_not_mix(images, cache):
    with pytest.raises(PriorCacheError, match='holds other priors'):
        write_cache(images, cache, dtype='float32')
    with pytest.raises(ValueError, match="'float16', 'float32'"):
        write_cache(images, cache, dtype='int8')


def test_values_that_float16_cannot_hold(images, tmp_path, monkeypatch):
    writer = CacheWriter(build_model(), tmp_path / 'c')
    monkeypatch.setattr(
        writer, '_compute', lambda img: [torch.full((1, 2, 2), 1e6)] * 3
    )
    with pytest.raises(PriorCacheError, match='layer 1 .*--dtype float32'):
        writer.write(build_dataset(images))


def test_two_images_of_one_name(images, tmp_path):
    twin = tmp_path / 'b' / images.name
    write_images(twin, [(48, 64)])
    dataset = build_dataset(images)
    dataset.datasets = [build_dataset(images), build_dataset(twin)]
    with pytest.raises(PriorCacheError, match="are called 'data set/images/0"):
        CacheWriter(build_model(), tmp_path / 'c').write(dataset)


def test_pca_equals_numpys_svd(images, tmp_path):
    exact, small = tmp_path / 'exact', tmp_path / 'small'
    write_cache(images, exact, dtype='float32')
    write_cache(images, small, dtype='float32', pca=4)
    index = CacheIndex.read(small)
    assert index.channels == (4, 4, 4) and not (small / 'raw').exists()
    files = sorted(exact.rglob('*.safetensors'))
    for number, layer in enumerate(index.layers):
        key = f'layer_{layer}'
        maps = [load_file(path)[key] for path in files]
        cells = torch.cat([m.flatten(1) for m in maps], 1).double()
        centred = cells - cells.mean(1, keepdim=True)
        u, s, _ = np.linalg.svd(centred.numpy(), full_matrices=False)
        share = (s[:4] ** 2).sum() / (s**2).sum()
        assert index.pca['explained'][number] == pytest.approx(share, abs=1e-6)
        ours = [
            load_file(small / path.relative_to(exact))[key] for path in files
        ]
        ours = torch.cat([m.flatten(1) for m in ours], 1).double()
        theirs = torch.from_numpy(u[:, :4].T) @ centred
        # signs of components are free
        torch.testing.assert_close(
            ours.abs(), theirs.abs(), rtol=1e-3, atol=1e-3
        )


def test_pca_goes_on_with_its_first_components(images, tmp_path):
    folder = tmp_path / 'cache'
    write_cache(images, folder, pca=3)
    before = digest(folder)
    prior_file(folder, 1).unlink()
    assert write_cache(images, folder, pca=3).made == 1
    assert digest(folder) == before
    with pytest.raises(PriorCacheError, match='holds other priors'):
        write_cache(images, folder, pca=2)
    with pytest.raises(ValueError, match=r'pca=999: give 1\.\.'):
        write_cache(images, tmp_path / 'wide', pca=999)


def test_a_pca_run_interrupted_while_fitting(images, tmp_path, monkeypatch):
    folder = tmp_path / 'cache'
    writer = CacheWriter(build_model(), folder, pca=3)
    monkeypatch.setattr(
        'fdep_mm.priors.writer.LayerPCA.fit',
        lambda *args: (_ for _ in ()).throw(KeyboardInterrupt),
    )
    with pytest.raises(KeyboardInterrupt):
        writer.write(build_dataset(images))
    monkeypatch.undo()
    assert write_cache(images, folder, pca=3).made == 0
    explained = json.loads((folder / 'index.json').read_text())['pca']
    assert all(0 < share <= 1 for share in explained['explained'])
