"""CO-ISD for detectors: two losses, and the plain detector at test time."""

import copy

import numpy as np
import pytest
import torch

pytest.importorskip('mmdet.models')

from detector_builders import (  # noqa: E402
    build_detector,
    det_samples,
    fcos_cfg,
    fdep_fcos_cfg,
    small_oscar_cfg,
)
from mmengine.config import ConfigDict  # noqa: E402
from mmengine.structures import PixelData  # noqa: E402

from fdep_mm.models.segmentors import host_cfg  # noqa: E402


def images(batch=2, size=(64, 64)):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(batch, 3, *size, generator=generator)


def step(model):
    model.train()
    total, logs = model.parse_losses(model.loss(images(), det_samples()))
    total.backward()
    return logs


def test_one_step_and_both_branches():
    model = build_detector(fdep_fcos_cfg())
    names = {'loss_cls', 'loss_bbox', 'loss_centerness'}
    expected = {f'{b}.{n}' for b in ('main', 'light') for n in names}
    assert set(step(model)) == expected | {'loss'}
    assert [n for n, p in model.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize('rfla', [False, True])
def test_the_light_branch_is_the_plain_detector(rfla, tmp_path):
    """Same checkpoint, plain config: no key missing, the same bits."""
    cfg = fdep_fcos_cfg(bbox_head=fcos_cfg(rfla)['bbox_head'])
    model = build_detector(copy.deepcopy(cfg))
    step(model)
    torch.save(model.state_dict(), tmp_path / 'fdep.pth')
    state = torch.load(tmp_path / 'fdep.pth', weights_only=True)
    for plain in (fcos_cfg(rfla), host_cfg(ConfigDict(cfg))):
        plain = build_detector(plain)
        keys = plain.load_state_dict(state, strict=False)
        assert keys.missing_keys == []
        assert {k.split('.')[0] for k in keys.unexpected_keys} == {'samf'}
        model.eval(), plain.eval()
        with torch.no_grad():
            ours, theirs = (
                m.predict(images(), det_samples()) for m in (model, plain)
            )
            outs = [m(images()) for m in (model, plain)]
        for a, b in zip(ours, theirs, strict=True):
            assert len(a.pred_instances) > 0
            for key in ('bboxes', 'scores', 'labels'):
                assert torch.equal(
                    a.pred_instances[key], b.pred_instances[key]
                )
        for a, b in zip(*outs, strict=True):
            assert all(map(torch.equal, a, b))


def test_light_losses_are_those_of_the_plain_detector():
    model = build_detector(
        fdep_fcos_cfg(loss_weights=dict(main=3.0, light=0.5))
    )
    plain = build_detector(fcos_cfg())
    plain.load_state_dict(model.state_dict(), strict=False)
    ours = model.train().loss(images(), det_samples())
    theirs = plain.train().loss(images(), det_samples())
    feats = list(model.extract_feat(images()))
    prior = model.vfm(model._pixels(images()))
    feats[0] = model.samf(feats[0], prior)
    main = model.bbox_head.loss(tuple(feats), det_samples())
    for name, value in theirs.items():
        torch.testing.assert_close(ours[f'light.{name}'], 0.5 * value)
        torch.testing.assert_close(ours[f'main.{name}'], 3 * main[name])
    assert any(not torch.equal(main[k], theirs[k]) for k in theirs)


@pytest.mark.parametrize('level', [0, 1, -1])
def test_only_the_named_level_is_replaced(level):
    model = build_detector(fdep_fcos_cfg(level=level)).train()
    seen = []
    model.bbox_head.register_forward_pre_hook(
        lambda module, args: seen.append(args[0])
    )
    model.loss(images(), det_samples())
    main, light = seen
    changed = [not torch.equal(a, b) for a, b in zip(main, light, strict=True)]
    assert changed == [i == level % 3 for i in range(3)]


def test_backbone_and_neck_run_once():
    model = build_detector(fdep_fcos_cfg())
    calls = []
    for name in ('backbone', 'neck', 'bbox_head'):
        getattr(model, name).register_forward_hook(
            lambda *args, name=name: calls.append(name)
        )
    step(model)
    assert calls == ['backbone', 'neck', 'bbox_head', 'bbox_head']


def test_testing_touches_neither_vfm_nor_samf():
    model = build_detector(fdep_fcos_cfg()).eval()

    def fail(*args):
        raise AssertionError('called at test time')

    model.vfm.forward = model.samf.forward = fail
    model.predict(images(), det_samples())
    model(images())


@pytest.mark.parametrize('bgr_to_rgb', [False, True])
@pytest.mark.parametrize('normalize', [False, True])
def test_vfm_sees_rgb_pixels(bgr_to_rgb, normalize):
    """Whatever the preprocessor does to the loaded BGR image."""
    cfg = fdep_fcos_cfg()
    cfg['data_preprocessor']['bgr_to_rgb'] = bgr_to_rgb
    if not normalize:
        cfg['data_preprocessor'].update(mean=None, std=None)
    model = build_detector(cfg).train()
    seen = []
    forward = model.vfm.forward
    model.vfm.forward = lambda x: seen.append(x) or forward(x)
    bgr = np.random.default_rng(0).integers(0, 256, (3, 64, 64), np.uint8)
    data = dict(
        inputs=[torch.from_numpy(bgr)], data_samples=det_samples(batch=1)
    )
    data = model.data_preprocessor(data, training=True)
    model.loss(data['inputs'], data['data_samples'])
    torch.testing.assert_close(
        seen[0][0], torch.from_numpy(bgr[::-1].copy()).float()
    )


def test_bad_options():
    with pytest.raises(ValueError, match='level=3 is out of range.* 3 feat'):
        build_detector(fdep_fcos_cfg(level=3))
    with pytest.raises(ValueError, match=r"got \['main'\]"):
        build_detector(fdep_fcos_cfg(loss_weights=dict(main=1.0)))


def test_level_that_the_head_does_not_read():
    model = build_detector(fdep_fcos_cfg(level=2))
    head = model.bbox_head
    forward = head.forward
    head.forward = lambda x: forward((*x[:2], torch.zeros_like(x[2])))
    with pytest.raises(ValueError, match=r'level=2: .*It reads \[0, 1\]'):
        step(model)


def test_host_cfg_of_a_plain_detector_is_itself():
    cfg = fcos_cfg()
    assert host_cfg(cfg) is cfg


def test_oscar():
    """Its NoCo labels are in both losses."""
    cfg = small_oscar_cfg()
    plain_cfg = copy.deepcopy(cfg)
    fdep = fdep_fcos_cfg()
    cfg.update(type=fdep['type'], vfm=fdep['vfm'], samf=dict(fdep['samf']))
    model, plain = build_detector(cfg), build_detector(plain_cfg)
    samples = det_samples()
    for sample in samples:
        sample.gt_noco = PixelData(data=torch.rand(1, 64, 64))
    losses = model.train().loss(images(), samples)
    names = set(plain.train().loss(images(), samples))
    assert len(names) == 5
    assert set(losses) == {
        f'{b}.{n}' for b in ('main', 'light') for n in names
    }
    total, _ = model.parse_losses(losses)
    total.backward()
    assert [n for n, p in model.named_parameters() if p.grad is None] == []
    plain.load_state_dict(model.state_dict(), strict=False)
    model.eval(), plain.eval()
    for a, b in zip(
        model.predict(images(), det_samples()),
        plain.predict(images(), det_samples()),
        strict=True,
    ):
        assert torch.equal(a.pred_instances.bboxes, b.pred_instances.bboxes)
        assert torch.equal(a.pred_instances.scores, b.pred_instances.scores)
