"""Weights of other people's ACM, ALCNet, DNA-Net and UIU-Net.

Reads state dicts with the names of PAL, BasicIRSTD, DNA-Net's repository and
packages with the same code, tensors only. Every tensor must fit by name and
shape; what the port never runs is left out and named. All but DNA-Net
have batch norms in BasicIRSTD's and PepperPepper's modulation: give those a
config with `decode_head=dict(norm_cfg=dict(type='BN'))`.

Example:
    python tools/model_converters/peers.py ACM.pth.tar CONFIG.py acm.pth
"""

import re
import sys
from pathlib import Path

import torch
from mmengine.registry import init_default_scope
from torch import Tensor

from fdep_mm.core.checkpoints import read_checkpoint
from fdep_mm.core.command import Parser, command
from fdep_mm.core.config_check import read_config
from fdep_mm.core.text import print
from fdep_mm.models.segmentors import host_cfg
from fdep_mm.registry import MODELS


def dnanet_node(match: re.Match) -> str:
    """Ours of the node in level i and column j."""
    i, j = map(int, match.groups())
    if j == 0:
        return f'backbone.nodes.{i}'
    if i + j == 4:  # reads the bottleneck
        return f'decode_head.last.{i}'
    return f'backbone.columns.{j - 1}.{i}'


def rsu_layer(match: re.Match) -> str:
    """Ours of a convolution or norm of UIU-Net's residual U-blocks."""
    level, decoder, layer, up, kind = match.groups()
    level = int(level)
    block = f'decode_head.stage{level}'
    if not decoder:
        block = f'backbone.stages.{level - 1}'
    depth = (7, 6, 5, 4, 4, 4)[level - 1]
    if layer == 'in':
        name = 'stem'
    elif up:
        name = f'decoder.{depth - 1 - int(layer)}'
    elif int(layer) == depth and level < 5:  # others are dilated instead
        name = 'bottom'
    else:
        name = f'encoder.{int(layer) - 1}'
    return f'{block}.{name}.{"01"[kind == "bn"]}'


# Of each encoder, applied one after the other.
WRAPPERS = [(r'^((module|model|net)\.)+', '')]
RESIDUAL = [
    (r'\.(conv|bn)1\.', lambda m: f'.main.{"01"[m[1] == "bn"]}.'),
    (r'\.(conv|bn)2\.', lambda m: f'.main.{"34"[m[1] == "bn"]}.'),
]
ACM = [
    *WRAPPERS,
    (r'^stem', 'backbone.stem'),
    (r'^layer', 'backbone.stage'),
    (r'^uplayer', 'decode_head.stage'),
    (r'^deconv', 'decode_head.up'),
    # ALCNet's fuse12 and fuse23 are of the levels 1 and 2
    (r'^fuse(\d)\d?', r'decode_head.fuse\1'),
    (r'^head\.block', 'decode_head.logits'),
    *RESIDUAL,
    (r'\.downsample\.', '.shortcut.'),
    # their pooling is a layer of the gate
    (r'topdown\.(\d)', lambda m: f'topdown.{int(m[1]) - 1}'),
]
NAMES = {
    'ACMEncoder': ACM,
    'ALCNetEncoder': ACM,
    'DNANetEncoder': [
        *WRAPPERS,
        (r'^conv0_4_final(\.0)?', 'decode_head.fuse'),
        (
            r'^conv0_(\d)_1x1',
            lambda m: f'decode_head.laterals.{int(m[1]) - 1}',
        ),
        (r'^conv(\d)_(\d)', dnanet_node),
        (r'^final4', 'decode_head.logits'),
        (r'^final(\d)', lambda m: f'decode_head.sides.{int(m[1]) - 1}'),
        (r'\.ca\.fc1', '.channel_gate.layers.0'),
        (r'\.ca\.fc2', '.channel_gate.layers.2'),
        (r'\.sa\.conv1', '.spatial_gate.conv'),
        *RESIDUAL,
    ],
    'UIUNetEncoder': [
        *WRAPPERS,
        (r'^stage(\d)(d?)\.rebnconv(in|\d)(d?)\.(conv|bn)_s1', rsu_layer),
        (r'^side(\d)', lambda m: f'decode_head.sides.{int(m[1]) - 1}'),
        (r'^outconv', 'decode_head.logits'),
        (r'^fuse', 'decode_head.fuse'),
        (r'feature_high', 'project'),
        (r'topdown', 'channel_gate'),
        (r'bottomup\.3\.conv1', 'spatial_gate.conv'),
        (r'bottomup', 'squeeze'),
    ],
}
NEVER_RUN = {'ALCNetEncoder': r'decode_head\.stage'}


def renamed(state: dict[str, Tensor], kind: str) -> dict[str, Tensor]:
    """Their tensors by our names, for an encoder of this type."""
    found = {}
    for key, value in state.items():
        for pattern, name in NAMES[kind]:
            key = re.sub(pattern, name, key)
        found[key] = value
    return found


def problems(found: dict[str, Tensor], wanted: dict[str, Tensor]) -> list[str]:
    """Names and shapes that do not fit, a line each."""
    shapes = [
        {k: tuple(v.shape) for k, v in s.items()} for s in (found, wanted)
    ]
    return [
        f'{key}: {shapes[0].get(key, "none")} in the file, '
        f'{shapes[1].get(key, "none")} in the config'
        for key in sorted(shapes[0].keys() | shapes[1].keys())
        if shapes[0].get(key) != shapes[1].get(key)
    ]


@command()
def main() -> None:
    """Rename, compare, write."""
    parser = Parser(__doc__)
    parser.add_argument('src', help='their checkpoint')
    parser.add_argument('config', help='of the network here')
    parser.add_argument('out', type=Path)
    args = parser.parse_args()
    cfg = read_config(args.config)
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    kind = cfg.model.backbone.type.split('.')[-1]
    if kind not in NAMES:
        raise ValueError(f'no names are known for {kind}: {[*NAMES]} only')
    state = read_checkpoint(args.src)
    for key in ('state_dict', 'net', 'model'):
        state = state.get(key, state)
    found = renamed(state, kind)
    dead = NEVER_RUN.get(kind)
    left_out = [key for key in found if dead and re.match(dead, key)]
    for key in left_out:
        del found[key]
    wrong = problems(found, MODELS.build(host_cfg(cfg.model)).state_dict())
    if wrong:
        raise ValueError('\n'.join([f'{args.src} does not fit:', *wrong]))
    torch.save(dict(state_dict=found), args.out)
    print(f'{args.out}: {len(found)} tensors')
    if left_out:
        print(f'left out, as they are never run: {", ".join(left_out)}')


if __name__ == '__main__':
    sys.exit(main())
