"""Writing a cache: what is kept, and what is made anew."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from child_processes import lock_holder
from prior_builders import (
    SIZES,
    VFM,
    build_dataset,
    build_model,
    digest,
    load,
    prior_file,
    write_cache,
    write_images,
)
from safetensors.torch import load_file

from fdep_mm.priors import CacheIndex, PriorCache, PriorCacheError
from fdep_mm.priors.writer import CacheWriter


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
    with pytest.raises(PriorCacheError, match='is missing'):
        PriorCache(other).read(*load(images, 2), (1,))
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
        '1.png.safetensors',
        'new.png.safetensors',
    }


@pytest.mark.skipif(
    not Path('/dev/full').exists(), reason='needs a device that is full'
)
def test_a_full_disk(images, cache):
    """The index says what is whole; the next run makes the rest."""
    before = digest(cache)
    path = prior_file(cache, 2)
    path.unlink()
    path.with_name(path.name + '.part').symlink_to('/dev/full')
    with pytest.raises(OSError, match='2.png.*No space left') as error:
        write_cache(images, cache)
    assert 'run the same command again' in str(error.value)
    assert '--resume' not in str(error.value)
    assert write_cache(images, cache).made == 1
    assert digest(cache) == before


def test_two_runs_into_one_folder(images, cache):
    with lock_holder(cache / 'write.lock'):
        with pytest.raises(RuntimeError, match='another process writes here'):
            write_cache(images, cache)
    assert write_cache(images, cache).made == 0


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
    assert index.channels == (4, 4, 4)
    files = sorted(exact.rglob('*.safetensors'))
    for number, layer in enumerate(index.layers):
        key = f'layer_{layer}'
        maps = [load_file(path)[key] for path in files]
        cells = torch.cat([m.flatten(1) for m in maps], 1).double()
        centered = cells - cells.mean(1, keepdim=True)
        u, s, _ = np.linalg.svd(centered.numpy(), full_matrices=False)
        share = (s[:4] ** 2).sum() / (s**2).sum()
        assert index.pca['explained'][number] == pytest.approx(share, abs=1e-6)
        ours = [
            load_file(small / path.relative_to(exact))[key] for path in files
        ]
        ours = torch.cat([m.flatten(1) for m in ours], 1).double()
        theirs = torch.from_numpy(u[:, :4].T) @ centered
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


def test_more_components_than_channels(tmp_path):
    """Refused before the VFM is built."""
    model = build_model()
    for pca in (0, 999):
        with pytest.raises(ValueError, match=rf'pca={pca}: give 1\.\.'):
            CacheWriter(model, tmp_path / 'wide', pca=pca)
    assert model.vfm._vfm.module is None


def test_a_pca_run_interrupted_while_fitting(images, tmp_path, monkeypatch):
    folder = tmp_path / 'cache'
    writer = CacheWriter(build_model(), folder, pca=3)
    monkeypatch.setattr(
        'fdep_mm.priors.writer.fit_layers',
        lambda *args: (_ for _ in ()).throw(KeyboardInterrupt),
    )
    with pytest.raises(KeyboardInterrupt):
        writer.write(build_dataset(images))
    monkeypatch.undo()
    assert write_cache(images, folder, pca=3).made == len(SIZES)
    pca = json.loads((folder / 'index.json').read_text())['pca']
    assert len(pca['explained']) == len(VFM['out_indices'])
    assert all(0 < share <= 1 for share in pca['explained'])
