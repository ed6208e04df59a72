"""Other people's weights load by name, or what does not fit is named."""

import sys
from importlib import import_module
from runpy import run_path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from fdep_mm.registry import MODELS


def convert(repo, monkeypatch, *args):
    tool = str(repo / 'tools/model_converters/peers.py')
    monkeypatch.setattr(sys, 'argv', [tool, *map(str, args)])
    with pytest.raises(SystemExit) as stop:
        run_path(tool, run_name='__main__')
    return stop.value.code


def config(repo, folder, net, norm=None):
    path = folder / f'{net}.py'
    base = repo / f'configs/_base_/models/{net}.py'
    head = f'norm_cfg=dict(type={norm!r})' if norm else ''
    path.write_text(
        f'_base_ = {str(base)!r}\nmodel = dict(decode_head=dict({head}))\n'
    )
    return path


def theirs(repo, net):
    """ACM's or ALCNet's state dict as those repositories name it."""
    init_default_scope('mmseg')
    cfg = Config.fromfile(repo / f'configs/_base_/models/{net}.py')
    state = {}
    for key, value in MODELS.build(cfg.model).state_dict().items():
        part, name, *rest = key.split('.')
        kind, level = name[:-1], name[-1]
        name = {
            'stage': ('up' if part == 'decode_head' else '') + f'layer{level}',
            'up': f'deconv{level}',
            'fuse': f'fuse{level}'
            + (chr(ord(level) + 1) if net == 'alcnet' else ''),
            'logit': 'head.block',
            'ste': 'stem',
        }[kind]
        if 'main' in rest:
            i = rest.index('main')
            old = ['conv1', 'bn1', '', 'conv2', 'bn2'][int(rest[i + 1])]
            rest[i : i + 2] = [old]
        rest = ['downsample' if r == 'shortcut' else r for r in rest]
        if rest[0] == 'topdown':
            rest[1] = str(int(rest[1]) + 1)
        state['.'.join([name, *rest])] = value
    if net == 'alcnet':
        state['uplayer1.0.conv1.weight'] = torch.zeros(16, 16, 3, 3)
    return state


@pytest.mark.parametrize('net', ['acm', 'alcnet'])
def test_by_name(net, repo, monkeypatch, tmp_path, capsys):
    cfg = config(repo, tmp_path, net)
    state = {f'module.{k}': v for k, v in theirs(repo, net).items()}
    torch.save(dict(state_dict=state), tmp_path / 'a.pth')
    convert(repo, monkeypatch, tmp_path / 'a.pth', cfg, tmp_path / 'b.pth')
    found = torch.load(tmp_path / 'b.pth')['state_dict']
    MODELS.build(Config.fromfile(cfg).model).load_state_dict(found)
    assert torch.equal(
        found['decode_head.fuse1.topdown.3.weight'],
        state[f'module.fuse{"12" if net == "alcnet" else 1}.topdown.4.weight'],
    )
    left_out = 'decode_head.stage1.0.main.0.weight' in capsys.readouterr().out
    assert left_out == (net == 'alcnet')


def test_what_does_not_fit_is_named(repo, monkeypatch, tmp_path, capsys):
    state = theirs(repo, 'acm')
    del state['deconv1.bias']
    state['head.block.4.weight'] = torch.zeros(2, 4, 1, 1)
    torch.save(state, tmp_path / 'a.pth')
    cfg = config(repo, tmp_path, 'acm')
    paths = tmp_path / 'a.pth', cfg, tmp_path / 'b.pth'
    assert convert(repo, monkeypatch, *paths) == 2
    assert capsys.readouterr().err.splitlines()[1:] == [
        'decode_head.logits.4.weight: (2, 4, 1, 1) in the file, '
        '(1, 4, 1, 1) in the config',
        'decode_head.up1.bias: none in the file, (16,) in the config',
    ]


@pytest.mark.parametrize(
    'net, name, settings',
    [
        ('acm', 'ACM:ASKCResUNet', dict(in_channels=3)),
        ('alcnet', 'ALCNet:ASKCResNetFPN', dict(in_channels=3)),
        ('dnanet', 'DNANet:DNANet', dict(input_channels=3)),
        ('uiunet', 'UIUNet:UIUNET', dict(in_ch=3)),
    ],
)
def test_outputs_of_another_port(
    net, name, settings, repo, monkeypatch, tmp_path
):
    """PepperPepper's code with random statistics, batch norms everywhere."""
    module, _, name = f'PepperPepper.IRSTD.models.{name}'.partition(':')
    pytest.importorskip(module)
    port = getattr(import_module(module), name)(**settings).eval()
    for key, value in port.state_dict().items():
        if 'running' in key:
            value.uniform_(0.5, 1.5)
    torch.save(port.state_dict(), tmp_path / 'a.pth')
    cfg = config(repo, tmp_path, net, norm=None if net == 'dnanet' else 'BN')
    convert(repo, monkeypatch, tmp_path / 'a.pth', cfg, tmp_path / 'b.pth')
    ours = MODELS.build(Config.fromfile(cfg).model).eval()
    ours.load_state_dict(torch.load(tmp_path / 'b.pth')['state_dict'])
    x = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        found, expected = ours(x), port(x)
    if isinstance(expected, (list, tuple)):
        expected = expected[-1]
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
