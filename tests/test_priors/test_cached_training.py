"""Networks that train from cached priors: the same maps, and no VFM."""

import copy
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement
from prior_builders import (
    VFM,
    build_dataset,
    build_model,
    write_cache,
    write_images,
)

from fdep_mm.models.segmentors import host_cfg
from fdep_mm.priors import PriorCacheError, batch_priors, pack_priors
from fdep_mm.registry import MODELS

CONFIG = (
    Path(__file__).parents[2]
    / 'configs/fdep/fdep_alcnet_1xb16-400e_nuaa-sirst-256x256.py'
)


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp('made')
    write_images(folder / 'data', [(64, 64)] * 3 + [(32, 96)])
    for dtype in ('float16', 'float32'):
        write_cache(folder / 'data', folder / dtype, dtype=dtype)
    return folder


def seen_priors(model, batch):
    """What SAMF gets of a batch, after the model's own preprocessing."""
    found = []
    forward = model.samf.forward

    def look(feat, priors):
        found.append(priors)
        return forward(feat, priors)

    model.samf.forward = look
    batch = copy.deepcopy(batch)
    data = model.data_preprocessor(batch, True)
    model.train().loss(**data)
    return found[0]


def batch_of(dataset, *numbers):
    items = [dataset[i] for i in numbers]
    return {key: [item[key] for item in items] for key in items[0]}


def test_the_maps_of_the_online_vfm(made):
    """Without augmentation: equal in float32, near in float16."""
    online = build_model()
    for dtype in ('float32', 'float16'):
        dataset = build_dataset(made / 'data', cache=made / dtype)
        cached = build_model(cache=str(made / dtype))
        for number in range(3):
            batch = batch_of(dataset, number)
            without = copy.deepcopy(batch)
            del without['data_samples'][0].priors
            ours = seen_priors(cached, batch)
            theirs = seen_priors(online, without)
            assert cached.vfm._vfm.module is None
            for a, b in zip(ours, theirs, strict=True):
                assert a.dtype == b.dtype == torch.float32
                if dtype == 'float32':
                    assert torch.equal(a, b)
                else:
                    torch.testing.assert_close(a, b, rtol=2e-3, atol=2e-3)


def test_a_smaller_image_is_padded_with_its_prior(made):
    """The preprocessor pads 32x96 to 64x96 at the bottom."""
    dataset = build_dataset(made / 'data', cache=made / 'float32')
    model = build_model(cache=str(made / 'float32'))
    for one in seen_priors(model, batch_of(dataset, 3)):
        assert one.shape[2:] == (4, 6)
        assert one[:, :, :2].abs().min() > 0 == one[:, :, 2:].abs().max()


def test_padding_that_would_move_cells(tmp_path):
    """40 px are 2 cells of 20 px, but 16 px in an image of 64."""
    write_images(tmp_path / 'data', [(64, 40)])
    write_cache(tmp_path / 'data', tmp_path / 'cache')
    dataset = build_dataset(tmp_path / 'data', cache=tmp_path / 'cache')
    model = build_model(cache=str(tmp_path / 'cache'))
    with pytest.raises(PriorCacheError, match='TargetCrop'):
        seen_priors(model, batch_of(dataset, 0))
    samples = batch_of(dataset, 0)['data_samples']
    assert batch_priors(samples, (64, 40))[0].shape[2:] == (4, 2)


RECORD = dict(model_name='test_vit', seed=0, pca=None)


def prior(layers=(1,), shape=(4, 4), channels=2, **record):
    size = (16 * shape[0], 16 * shape[1])
    maps = [torch.ones(channels, *shape)] * len(layers)
    strides = (16,) * len(layers)
    return pack_priors(maps, layers, strides, 1.0, RECORD | record, size)


def sample_with(**kwargs):
    sample = BaseDataElement()
    sample.priors = prior(**kwargs)
    return sample


def test_batches_that_do_not_fit():
    good = [sample_with(), sample_with()]
    (maps,) = batch_priors(good, (64, 64))
    assert maps.shape == (2, 2, 4, 4)
    assert batch_priors([BaseDataElement()], (64, 64)) is None
    with pytest.raises(PriorCacheError, match='1 of 2 samples'):
        batch_priors([sample_with(), BaseDataElement()], (64, 64))
    with pytest.raises(PriorCacheError, match='4x4 cells.*for 2x2'):
        batch_priors(good, (32, 32))
    for other in (dict(seed=1), dict(layers=(2,))):
        with pytest.raises(PriorCacheError, match='Name one cache'):
            batch_priors([*good, sample_with(**other)], (64, 64))
    bases = [sample_with(pca=dict(explained=[s])) for s in (0.5, 0.6)]
    with pytest.raises(PriorCacheError, match='pca.*Name one cache'):
        batch_priors(bases, (64, 64))


@pytest.mark.parametrize(
    'vfm', [dict(seed=1), dict(input_scale=2.0), dict(norm=False)], ids=str
)
def test_a_cache_of_the_same_network_with_other_settings(made, tmp_path, vfm):
    """Model and layers are those of the network, the maps are not."""
    write_cache(made / 'data', tmp_path / 'other', vfm=vfm)
    dataset = build_dataset(made / 'data', cache=tmp_path / 'other')
    (key,) = vfm
    for ours in (dict(cache=str(made / 'float32')), {}):
        with pytest.raises(PriorCacheError, match=f'{key}.*Name one cache'):
            seen_priors(build_model(**ours), batch_of(dataset, 0))


def test_zero_priors_in_place_of_stored_ones(made):
    """The control of a study whose config has a cache."""
    dataset = build_dataset(made / 'data', cache=made / 'float32')
    stored = dict(cache=str(made / 'float32'))
    zeros = dict(stored, type='fdep_mm.ZeroPriors')
    batch = batch_of(dataset, 0, 1)
    expected = seen_priors(build_model(**stored), batch)
    found = seen_priors(build_model(**zeros), batch)
    for one, zero in zip(expected, found, strict=True):
        assert one.any() and not zero.any()
        assert one.shape == zero.shape and one.dtype == zero.dtype


def test_a_random_vfm_is_no_pretrained_one(made):
    """The other control: the priors in the batch are those of weights."""
    vfm = build_model(cache=str(made / 'float32')).vfm
    fitting = dict(layers=(1, 3, 5), channels=vfm.channels[0])
    for weights in ("timm's", 'file a.pth'):
        batch = [sample_with(**fitting, weights=weights)]
        with pytest.raises(PriorCacheError, match="'random'.*Name one cache"):
            batch_priors(batch, (64, 64), vfm)


def test_priors_of_the_other_order_of_channels(made):
    """The network that gets them computes none, and could not tell."""
    dataset = build_dataset(made / 'data', cache=made / 'float32')
    with pytest.raises(PriorCacheError, match='bgr_to_rgb.*Name one cache'):
        seen_priors(build_model(bgr_to_rgb=False), batch_of(dataset, 0))


def test_priors_of_another_network(made):
    vfm = build_model(cache=str(made / 'float16')).vfm
    fitting = dict(layers=(1, 3, 5), channels=vfm.channels[0])
    batch_priors([sample_with(**fitting)], (64, 64), vfm)
    for wrong, name in (
        (dict(layers=(1, 3)), 'layers'),
        (dict(channels=7), 'channels'),
        (dict(model_name='other'), 'model_name'),
        (dict(weights_sha256='of others'), 'weights_sha256'),
    ):
        with pytest.raises(PriorCacheError, match=f'{name}.*Name one cache'):
            batch_priors([sample_with(**fitting | wrong)], (64, 64), vfm)


def training_config(made, work_dir) -> Config:
    """A shipped config, with the lines of tools/cache_priors.py."""
    text = (
        f'_base_ = {str(CONFIG)!r}\n'
        f'priors = {str(made / "float16")!r}\n'
        '_base_.train_dataloader.dataset.pipeline.insert(\n'
        "    2, dict(type='fdep_mm.LoadPrior', cache=priors))\n"
        '_base_.train_dataloader.dataset.pipeline[-1].type = '
        "'fdep_mm.PackPriorInputs'\n"
        'model = dict(vfm=dict(cache=priors))\n'
    )
    path = work_dir / 'cached.py'
    path.write_text(text)
    cfg = Config.fromfile(path)
    cfg.model.vfm.update(VFM)
    cfg.train_dataloader.update(
        batch_size=2, num_workers=1, persistent_workers=False
    )
    cfg.train_dataloader.dataset.update(
        data_root=str(made / 'data'), ann_file=''
    )
    pipeline = cfg.train_dataloader.dataset.pipeline
    pipeline[3].crop_size = cfg.data_preprocessor.size = (64, 64)
    cfg.model.data_preprocessor = cfg.data_preprocessor
    cfg.train_cfg.max_epochs = 1
    for key in ('val_cfg', 'val_dataloader', 'val_evaluator'):
        cfg[key] = None
    cfg.default_hooks.checkpoint.update(interval=1, save_best=None)
    cfg.visualizer.vis_backends = []
    cfg.work_dir = str(work_dir / 'run')
    cfg.experiment_name = work_dir.name
    return cfg


def test_two_steps_where_the_vfm_cannot_be_built(made, tmp_path, monkeypatch):
    """No timm; the checkpoint is the host's and SAMF's; light is host."""
    cfg = training_config(made, tmp_path)
    monkeypatch.setitem(sys.modules, 'timm', None)
    with pytest.raises(ImportError):
        MODELS.build(dict(VFM))
    runner = Runner.from_cfg(copy.deepcopy(cfg))
    runner.train()
    assert runner.iter == 2
    path = tmp_path / 'run' / 'epoch_1.pth'
    state = torch.load(path, weights_only=False)['state_dict']
    assert {k.split('.')[0] for k in state} == {
        'backbone',
        'decode_head',
        'samf',
    }
    host = MODELS.build(host_cfg(cfg.model))
    keys = host.load_state_dict(state, strict=False)
    assert keys.missing_keys == []
    images = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        assert torch.equal(
            host.eval()(images), runner.model.cpu().eval()(images)
        )


def test_a_network_without_priors_in_its_batch(made):
    dataset = build_dataset(made / 'data')
    model = build_model(cache=str(made / 'float16'))
    with pytest.raises(PriorCacheError, match='the batch has no priors'):
        seen_priors(model, batch_of(dataset, 0, 1))
