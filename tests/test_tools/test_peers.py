"""Other people's weights load by name, or what does not fit is named."""

import re
import struct
from importlib import import_module

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from peer_layers import LAYERS
from tool_runs import run_tool

from fdep_mm.registry import MODELS


def convert(*args):
    return run_tool('model_converters/peers.py', *args)


# ACM as in its own release.
RELEASE = """
backbone=dict(tiny=True, num_blocks=4),
decode_head=dict(tiny=True, num_blocks=4, norm_cfg=dict(type='BN')),
"""


def config(repo, folder, net, norm=None):
    path = folder / f'{net}.py'
    net = net.removesuffix('-release')
    base = repo / f'configs/_base_/models/{net}.py'
    settings = RELEASE if path.stem != net else ''
    if norm:
        settings = f'decode_head=dict(norm_cfg=dict(type={norm!r}))'
    path.write_text(f'_base_ = {str(base)!r}\nmodel = dict({settings})\n')
    return path


# Never run, or no weights.
MORE = {
    'alcnet': ['uplayer1.0.conv1.weight'],
    'alcnet-orig': ['stem.0.gamma', 'stem.0.beta'],
    'msdanet': [
        'mlcl1.conv_res.conv.weight',
        'mlcl5.conv_res.bn.bias',
        'stage.hfrequency.Hfrequencyfeature.DWT_2D.w_lh',
        'stage.resnet5_2.FrequencyAttention.HH_DWT_2D_attation.w_hh',
    ],
}


def weights(path):
    """Weights of a network here, by our names and by theirs."""
    init_default_scope('mmseg')
    net = path.stem
    ours = MODELS.build(Config.fromfile(path).model).state_dict()
    for value in ours.values():
        if value.ndim:  # norms differ, too; MXNet does not count batches
            value.random_(99)
    names = {our: their for their, our in LAYERS[net].items()}
    theirs = {key: torch.zeros(1, 1, 2, 2) for key in MORE.get(net, ())}
    for key, value in ours.items():
        layer, _, kind = key.rpartition('.')
        if '.fc.' in names[layer]:
            value = value[..., 0, 0]  # of a linear layer
        if re.search(r'_reduce|ll_layer\.conv', names[layer]):
            if kind == 'weight':
                value = value[:, [1, 0]]  # their maximum comes first
        theirs[f'{names[layer]}.{kind}'] = value
    return ours, theirs


@pytest.mark.parametrize('net', LAYERS)
def test_by_name(net, repo, tmp_path):
    cfg = config(repo, tmp_path, net)
    ours, theirs = weights(cfg)
    if net in ('acm-release', 'alcnet-orig'):
        src = tmp_path / 'a.params'
        save_mxnet(src, theirs)
    else:
        src = tmp_path / 'a.pth.tar'
        state = {f'module.{k}': v for k, v in theirs.items()}
        torch.save(dict(state_dict=state), src)
    done = convert(src, cfg, tmp_path / 'b.pth')
    found = torch.load(tmp_path / 'b.pth')['state_dict']
    assert found.keys() == ours.keys()
    for key, value in ours.items():
        assert torch.equal(found[key], value), key
    _, _, left_out = done.out.partition('left out')
    assert left_out.count(',') == len(MORE.get(net, ()))


def save_mxnet(path, state):
    """As MXNet's Gluon does, by its names of a norm's parameters."""
    arrays, names = [], []
    for key, value in state.items():
        if key.endswith('num_batches_tracked'):
            continue
        if f'{key.rpartition(".")[0]}.running_mean' in state:
            key = key.replace('.weight', '.gamma').replace('.bias', '.beta')
        names.append(struct.pack('<Q', len(key)) + key.encode())
        shape = struct.pack(f'<I{value.ndim}q', value.ndim, *value.shape)
        arrays.append(
            struct.pack('<Ii', 0xF993FAC9, 0)
            + shape
            + struct.pack('<iii', 1, 0, 0)  # a CPU's, float32
            + value.numpy().astype('<f4').tobytes()
        )
    count = struct.pack('<Q', len(names))
    parts = [struct.pack('<QQ', 0x112, 0), count, *arrays, count, *names]
    path.write_bytes(b''.join(parts))


@pytest.mark.parametrize('cut', [0, 10, 1000])
def test_damaged_files_of_mxnet(cut, repo, tmp_path):
    save_mxnet(tmp_path / 'a.params', dict(a=torch.zeros(9, 9, 9)))
    whole = (tmp_path / 'a.params').read_bytes()
    (tmp_path / 'a.params').write_bytes(whole[:cut])
    args = tmp_path / 'a.params', config(repo, tmp_path, 'acm'), tmp_path / 'b'
    done = convert(*args)
    assert done.code == 2
    assert 'a.params holds no arrays of MXNet' in done.err


def test_what_does_not_fit_is_named(repo, tmp_path):
    cfg = config(repo, tmp_path, 'acm')
    _, state = weights(cfg)
    del state['deconv1.bias']
    state['head.block.4.weight'] = torch.zeros(2, 4, 1, 1)
    torch.save(state, tmp_path / 'a.pth')
    paths = tmp_path / 'a.pth', cfg, tmp_path / 'b.pth'
    done = convert(*paths)
    assert done.code == 2
    assert done.err.splitlines()[1:] == [
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
def test_outputs_of_another_port(net, name, settings, repo, tmp_path):
    """PepperPepper's code with random statistics, batch norms everywhere."""
    module, _, name = f'PepperPepper.IRSTD.models.{name}'.partition(':')
    pytest.importorskip(module)
    port = getattr(import_module(module), name)(**settings).eval()
    for key, value in port.state_dict().items():
        if 'running' in key:
            value.uniform_(0.5, 1.5)
    torch.save(port.state_dict(), tmp_path / 'a.pth')
    cfg = config(repo, tmp_path, net, norm=None if net == 'dnanet' else 'BN')
    convert(tmp_path / 'a.pth', cfg, tmp_path / 'b.pth')
    ours = MODELS.build(Config.fromfile(cfg).model).eval()
    ours.load_state_dict(torch.load(tmp_path / 'b.pth')['state_dict'])
    x = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        found, expected = ours(x), port(x)
    if isinstance(expected, (list, tuple)):
        expected = expected[-1]
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
