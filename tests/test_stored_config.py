"""Configs in checkpoints of strangers: read, looked up, and not run."""

import socket
from importlib.util import find_spec

import pytest
import torch
from mmengine.config import Config

from fdep_mm.apis import SIRSTInferencer
from fdep_mm.apis.torch_backend import TorchBackend
from fdep_mm.core.stored_config import (
    LOADING,
    read_settings,
    read_stored_config,
)
from fdep_mm.registry import MODELS


def test_the_config_of_a_checkpoint_is_not_run(tmp_path):
    sign = tmp_path / 'went off'
    text = f'import pathlib\nmodel = pathlib.Path({str(sign)!r}).touch()\n'
    path = tmp_path / 'weights.pth'
    torch.save(dict(state_dict={}, meta=dict(cfg=text)), path)
    with pytest.raises(ValueError, match='more than settings'):
        TorchBackend(None, path)
    for text in ('a = __import__("os")', 'a = dict(open("x"))', 'f()', 'a=b'):
        with pytest.raises(ValueError, match='more than settings'):
            read_settings(text)
    for text in ('a = (', 'a = {[]: 1}', 'a = ' + '(' * 1000, b'\xff', 7):
        with pytest.raises(ValueError, match='Name a config file'):
            read_settings(text)
    assert not sign.exists()


@pytest.fixture
def connections(monkeypatch):
    """What a process asks the network for."""
    calls = []
    monkeypatch.setattr(socket, 'getaddrinfo', lambda *a, **k: calls.append(a))
    monkeypatch.setattr(socket.socket, 'connect', calls.append)
    return calls


TOUCH = "model = dict(type='pathlib.Path.touch', self={sign!r})"
TIMM = 'model = dict(type="mmseg.TIMMBackbone", model_name={})'
PIPELINE = 'test_pipeline = [dict(type={name!r})]'


@pytest.mark.parametrize(
    'text',
    [
        TOUCH,
        'model = dict(a=[dict(b=(dict(type="os.system", command="x"),))])',
        PIPELINE.format(name='mmengine.runner.runner.os.system'),
        PIPELINE.format(name='mmengine.fileio.dump'),
        PIPELINE.format(name='mmcv.imread'),
        PIPELINE.format(name='fdep_mm.import_module'),
        PIPELINE.format(name='fdep_mm.core.checkpoints.read_checkpoint'),
        PIPELINE.format(name='torch.load'),
        PIPELINE.format(name='this'),
        'test_dataloader = dict(dataset=dict(pipeline=[dict(type="a.B")]))',
        'model = dict(test_cfg=dict(nms=dict(type="open({sign!r}, 0)")))',
        'default_scope = "evil"\nmodel = dict(type="Pad")',
        'model = dict(_scope_="evil", type="Pad")',
        'model = dict(type="evil.Pad")',
        'custom_imports = dict(imports=["evil"])',
        'custom_imports = dict(imports="evil.registry")',
        'custom_imports = dict(imports=["fdep_mm"], more=1)',
        # places: a pickle, a config that is a program, a hub, pages
        'model = dict(type="CrossEntropyLoss", class_weight="a.pkl")',
        'model = dict(teacher_config="evil.py")',
        TIMM.format('"hf-hub:a/b"'),
        TIMM.format('"local-dir:a"'),
        TIMM.format('"resnet10t", pretrained_cfg=dict(url="http://a/b")'),
        TIMM.format('"resnet10t", pretrained_cfg="a"'),
        'model = dict(a=[["http://localhost"]])',
        'model = dict(name="/dev/stdin")',
    ],
)
def test_what_the_config_of_a_checkpoint_names_is_not_run(
    text, tmp_path, monkeypatch, connections
):
    sign = tmp_path / 'went off'
    (tmp_path / 'evil').mkdir()
    for name in ('__init__', 'registry'):
        (tmp_path / f'evil/{name}.py').write_text(f'open({str(sign)!r}, "w")')
    monkeypatch.syspath_prepend(tmp_path)
    path = tmp_path / 'weights.pth'
    text = text.replace('{sign!r}', repr(str(sign)))
    torch.save(dict(state_dict={}, meta=dict(cfg=text)), path)
    with pytest.raises(ValueError, match='Name a config file that you trust'):
        SIRSTInferencer(None, path)
    assert not sign.exists() and not connections


def test_no_weights_are_fetched(connections):
    """timm's backbone does by default, and the VFM of FDEP."""
    for text in (
        TIMM.format('"resnet10t", features_only=True'),
        'model = dict(type="fdep_mm.FrozenVFM", model_name="test_vit", '
        'out_indices=(0,), checkpoint="http://localhost/a.pth")',
    ):
        MODELS.build(read_stored_config(text).model)
    assert not connections


def test_components_that_evaluate_an_argument_are_not_built():
    pytest.importorskip('mmdet')
    text = 'model = dict(cmc=dict(type="mmdet.CameraMotionCompensation"))'
    with pytest.raises(ValueError, match='Name a config file'):
        read_stored_config(text)


def as_text(cfg):
    return '\n'.join(f'{k} = {v!r}' for k, v in cfg.to_dict().items())


def without(value, keys):
    if isinstance(value, dict):
        return {
            k: without(v, keys)
            for k, v in value.items()
            if k not in keys or not v
        }
    if isinstance(value, (list, tuple)):
        return type(value)(without(item, keys) for item in value)
    return value


@pytest.mark.parametrize(
    'name',
    [
        'acm/acm_1xb16-400e_nuaa-sirst-256x256',
        'classical/fkrw',
        'fdep/fdep_dnanet_1xb16-400e_nuaa-sirst-256x256',
        'oscar/oscar_r18_fpn-32_1xb16-12e_synthetic-128x128',
        'rfla/rfla-fcos_r50_fpn_1x_sirstv2',
    ],
)
def test_what_inference_needs_of_a_config(name, repo):
    """All of it passes, but for what would load other weights."""
    cfg = Config.fromfile(repo / f'configs/{name}.py')
    if cfg.default_scope == 'mmdet':
        pytest.importorskip('mmdet')
    found = read_stored_config(as_text(cfg)).to_dict()
    if 'vfm' in found['model']:
        assert found['model']['vfm'].pop('pretrained') is False
    assert found['model'] == without(cfg.model.to_dict(), LOADING)
    pipeline = found['test_dataloader']['dataset']['pipeline']
    assert pipeline == cfg.to_dict()['test_dataloader']['dataset']['pipeline']
    assert found['default_scope'] == cfg.default_scope
    assert found.keys() <= {
        *('default_scope', 'model', 'test_dataloader', 'test_pipeline')
    }


def test_configs_of_every_network_pass(repo):
    """As MMEngine stores it in a checkpoint; one of each network."""
    paths = sorted((repo / 'configs').glob('[!_]*/*.py'))
    for path in {p.stem.split('_1xb')[0]: p for p in paths}.values():
        cfg = Config.fromfile(path)
        if cfg.default_scope == 'mmdet' and not find_spec('mmdet'):
            continue
        # yapf takes most of the time, and changes spaces only
        text = Config(cfg.to_dict(), format_python_code=False).pretty_text
        if cfg.model.get('backbone', {}).get('type') == 'fdep_mm.TorchNet':
            with pytest.raises(ValueError, match='TorchNet'):
                read_stored_config(text)
        else:
            assert 'model' in read_stored_config(text)


def test_full_paths_of_registered_components_pass():
    path = 'mmseg.models.segmentors.encoder_decoder.EncoderDecoder'
    text = f'model = dict(type={path!r}, pretrained="x", init_cfg=[1])'
    assert read_stored_config(text).model == dict(type=path)
    read_stored_config(
        "test_pipeline = [dict(type='mmcv.transforms.processing.Pad')]"
    )


def test_configs_that_mmengine_writes_are_read(repo):
    names = ('acm/acm_1xb16-12e_synthetic-128x128', 'classical/ipi_sirstv2')
    for name in names:
        cfg = Config.fromfile(repo / f'configs/{name}.py')
        assert read_settings(cfg.pretty_text) == cfg.to_dict()
    odd = {'a': {'x-y': {'b.c': 1}, 'd': [{'e-f': 2}]}, 'g': 3}
    assert read_settings(Config(odd).pretty_text) == odd
    for text in ('a = dict([(1, 2)])', 'a = dict({}, {})', 'a = dict({**b})'):
        with pytest.raises(ValueError, match='more than settings'):
            read_settings(text)
    text = "a = dict(b=[1, -2.5], c=(None, True))\nd = {'e f': float('inf')}"
    assert read_settings(text) == dict(
        a=dict(b=[1, -2.5], c=(None, True)), d={'e f': float('inf')}
    )
