"""Names of weights in other people's code, and ours: rules for `peers.py`."""

import re
from collections.abc import Callable


def counted(name: str, first: int = 1) -> Callable[[re.Match], str]:
    """A name whose places `{}` take the numbers found, less `first`."""
    return lambda match: name.format(*(int(n) - first for n in match.groups()))


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


def haar_gate(match: re.Match) -> str:
    """Ours of MSDA-Net's spatial gate behind a Haar filter."""
    return f'main.1.gates.{("LH", "HL", "HH", "LL").index(match[1])}'


WRAPPERS = (r'^((module|model|net)\.)+', '')
RESIDUAL = [
    (r'\.conv1\.', '.main.0.'),
    (r'\.bn1\.', '.main.1.'),
    (r'\.conv2\.', '.main.3.'),
    (r'\.bn2\.', '.main.4.'),
]
GLUON = [
    (r'\.body\.', '.main.'),
    (r'gamma$', 'weight'),
    (r'beta$', 'bias'),
]
ACM = [
    WRAPPERS,
    (r'^stem', 'backbone.stem'),
    (r'^layer', 'backbone.stage'),
    (r'^uplayer', 'decode_head.stage'),
    (r'^deconv', 'decode_head.up'),
    # ALCNet's fuse12 and fuse23 are of the levels 1 and 2
    (r'^fuse(\d)\d?', r'decode_head.fuse\1'),
    (r'^head\.block', 'decode_head.logits'),
    *RESIDUAL,
    *GLUON,  # its own release
    (r'\.downsample\.', '.shortcut.'),
    # their pooling is a layer of the gate
    (r'topdown\.(\d)', counted('topdown.{}')),
]
TRUNK = [
    WRAPPERS,
    (r'^stage\.layer1\.', 'backbone.stem.'),
    (r'^stage\.resnet(\d)_(\d)', counted('backbone.stages.{}.{}')),
    (r'(?<=stages\.\d\.0)\.layer2\.', '.shortcut.'),
    # GGL-Net's later blocks are in halves, before and behind a gate
    (r'(?<=stages\.\d\.\d)\.layer2\.(\d)', counted('.main.{}', -4)),
    (r'(?<=stages\.\d\.\d)\.layer1?\.', '.main.'),
]
FUSIONS = [
    (r'^sbam(\d)', counted('decode_head.fusions.{}')),
    (r'^layer\.', 'decode_head.logits.'),
]
TOP_DOWN = [
    *FUSIONS,
    (r'^lcl(\d)\.layer1', counted('decode_head.transfers.{}')),
    (r'hl_layer\.(\d)', counted('project.{}')),  # their resize is a layer
]
SQUEEZE = (r'\.fc\.(\d)', counted('.gate.{}', -1))  # ours has the pooling

# Patterns and what replaces them, one after the other, for each encoder.
NAMES = {
    'ACMEncoder': ACM,
    'ALCNetEncoder': ACM,
    'ALCNetOrigEncoder': [
        (r'^stem', 'backbone.stem'),
        (r'^layer', 'backbone.stage'),
        (r'^dec_c', 'decode_head.reduce'),
        (r'^bottomuplocal_fpn_', 'decode_head.fuse'),
        (r'^head\.block', 'decode_head.logits'),
        *GLUON,
        (r'\.downsample\.', '.shortcut.'),
        (r'\.bn1\.', '.deep_norm.'),
        (r'\.bn2\.', '.shallow_norm.'),
        (r'\.bottomup_att\.', '.gate.'),
    ],
    'DNANetEncoder': [
        WRAPPERS,
        (r'^conv0_4_final(\.0)?', 'decode_head.fuse'),
        (r'^conv0_(\d)_1x1', counted('decode_head.laterals.{}')),
        (r'^conv(\d)_(\d)', dnanet_node),
        (r'^final4', 'decode_head.logits'),
        (r'^final(\d)', counted('decode_head.sides.{}')),
        (r'\.ca\.fc1', '.channel_gate.layers.0'),
        (r'\.ca\.fc2', '.channel_gate.layers.2'),
        (r'\.sa\.conv1', '.spatial_gate.conv'),
        *RESIDUAL,
    ],
    'UIUNetEncoder': [
        WRAPPERS,
        (r'^stage(\d)(d?)\.rebnconv(in|\d)(d?)\.(conv|bn)_s1', rsu_layer),
        (r'^side(\d)', counted('decode_head.sides.{}')),
        (r'^outconv', 'decode_head.logits'),
        (r'^fuse', 'decode_head.fuse'),
        (r'feature_high', 'project'),
        (r'topdown', 'channel_gate'),
        (r'bottomup\.3\.conv1', 'spatial_gate.conv'),
        (r'bottomup', 'squeeze'),
    ],
    'MLCLNetEncoder': [
        *TRUNK,
        (
            r'^mlcl(\d)\.layer(\d)',
            counted('decode_head.contrasts.{}.scales.{}'),
        ),
        (r'^mlcl(\d)\.conv', counted('decode_head.contrasts.{}.fuse')),
        (r'^conv(\d)', counted('decode_head.laterals.{}')),
        (r'^layer\.', 'decode_head.logits.'),
    ],
    'ALCLNetEncoder': [*TRUNK, *TOP_DOWN, (r'll_layer', 'gate')],
    'GGLNetEncoder': [
        *TRUNK,
        *TOP_DOWN,
        (r'^stage\.Res(\d)', counted('backbone.supplements.{}')),
        (r'(?<=supplements\.\d\.)layer1', 'gradient'),
        (r'(?<=supplements\.\d\.)layer2', 'fuse'),
        (r'SEAttention', 'main.3'),
        SQUEEZE,
        (r'hl_layer_2\.se', 'channel_gate.layers'),
        (r'll_layer', 'spatial_gate'),
    ],
    'MSDANetEncoder': [
        WRAPPERS,
        (r'(?<!reduce)\.conv\.', '.0.'),
        (r'\.bn\.', '.1.'),
        (r'FrequencyAttention\.(\w\w)_reduce', haar_gate),
        (r'FrequencyAttention\.conv_res', 'main.1.post'),
        (r'SEAttention', 'main.2'),
        SQUEEZE,
        # only in the encoder these are parts of a larger block
        (r'(?<=_\d\.)(?=branch|conv_cat)', 'main.0.'),
        (r'(?<=_\d\.)conv_res', 'main.3'),
        (r'(?<=branch\d\.)1\.(\d)', counted('0.{}', -3)),
        (r'branch(\d)\.0', r'branches.\1'),
        (r'conv_cat', 'fuse'),
        (r'^stage\.layer1\.', 'backbone.stem.'),
        (r'^stage\.layer5_4', 'backbone.aggregate.fuse'),
        # behind as many poolings as bring them to the deepest level
        (
            r'^stage\.layer(\d)_4\.\d',
            counted('backbone.aggregate.laterals.{}.0'),
        ),
        (r'^stage\.resnet2_1', 'backbone.down2'),
        (r'^stage\.resnet2_(\d)', counted('backbone.stage2.{}', 2)),
        (r'^stage\.resnet(\d)_1', r'backbone.stage\1.0'),
        (r'^stage\.resnet(\d)_2', r'backbone.stage\1.1.0'),
        (r'^stage\.resnet(\d)_3', r'backbone.stage\1.1.1'),
        (r'\.layer1?\.', '.main.'),
        (r'\.layer2\.', '.shortcut.'),
        *FUSIONS,
        (r'^mlcl(\d)', counted('decode_head.transfers.{}')),
        (r'hl_layer', 'project'),
        (r'concat_layer', 'correct'),
    ],
}

# What is never run, or is no weight, under the new names.
LEFT_OUT = {
    'ALCNetEncoder': r'decode_head\.stage',
    'ALCNetOrigEncoder': r'backbone\.stem\.0\.(weight|bias)',  # 1 and 0
    'MSDANetEncoder': r'decode_head\.transfers\.\d\.conv_res|.*\.w_[lh]{2}$',
}

# Spatial gates that read the maximum before the mean.
MAXIMUM_FIRST = {
    'GGLNetEncoder': r'.*\.spatial_gate\.conv\.weight',
    'MSDANetEncoder': r'.*\.gates\.\d\.conv\.weight',
}
