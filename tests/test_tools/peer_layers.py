"""Layers of the networks: their names in other people's code, and ours."""

from collections.abc import Iterator

# convolution and norm, activation, convolution and norm
TWICE = (0, 1, 3, 4)


def same(theirs: str, ours: str, places: tuple = TWICE) -> Iterator[tuple]:
    for place in places:
        yield f'{theirs}.{place}', f'{ours}.{place}'


def residual(
    theirs: str, ours: str, shortcut: str, gluon: bool = False
) -> Iterator[tuple]:
    """Named as in torchvision, or as in GluonCV."""
    names = dict(conv1=0, bn1=1, conv2=3, bn2=4)
    if gluon:
        names = {f'body.{i}': i for i in TWICE}
    for name, place in names.items():
        yield f'{theirs}.{name}', f'{ours}.main.{place}'
    yield from same(f'{theirs}.{shortcut}', f'{ours}.shortcut', (0, 1))


def acm(
    blocks: int = 3, fuse: str = 'fuse{}', gluon: bool = False
) -> Iterator[tuple]:
    yield from same('stem', 'backbone.stem', (0, 1, 2, 4, 5, 7, 8))
    for level in range(1, 4):
        for b in range(blocks):
            theirs, ours = f'layer{level}.{b}', f'backbone.stage{level}.{b}'
            yield from residual(theirs, ours, 'downsample', gluon)
    for level in (0, 1, 2):
        yield f'deconv{level}', f'decode_head.up{level}'
    for level in (1, 2):
        for b in range(blocks):
            theirs = f'uplayer{level}.{b}'
            ours = f'decode_head.stage{level}.{b}'
            yield from residual(theirs, ours, 'downsample', gluon)
        name = fuse.format(level, level + 1)
        ours = f'decode_head.fuse{level}'
        for i in TWICE:
            yield f'{name}.topdown.{i + 1}', f'{ours}.topdown.{i}'
        yield from same(f'{name}.bottomup', f'{ours}.bottomup')
        yield from same(f'{name}.post', f'{ours}.post', (0, 1))
    yield from same('head.block', 'decode_head.logits', (0, 1, 4))


def alcnet_orig() -> Iterator[tuple]:
    yield from same('stem', 'backbone.stem', (0, 1, 2))
    for level in (1, 2, 3):
        for b in range(4):
            theirs, ours = f'layer{level}.{b}', f'backbone.stage{level}.{b}'
            yield from residual(theirs, ours, 'downsample', gluon=True)
    for level in (2, 3):
        yield from same(f'dec_c{level}', f'decode_head.reduce{level}', (0, 1))
    for level in (1, 2):
        name, ours = f'bottomuplocal_fpn_{level}', f'decode_head.fuse{level}'
        yield f'{name}.bn1', f'{ours}.deep_norm'
        yield f'{name}.bn2', f'{ours}.shallow_norm'
        yield from same(f'{name}.bottomup_att', f'{ours}.gate')
    yield from same('head.block', 'decode_head.logits', (0, 1, 4))


def attention_block(theirs: str, ours: str) -> Iterator[tuple]:
    yield from residual(theirs, ours, 'shortcut')
    yield f'{theirs}.ca.fc1', f'{ours}.channel_gate.layers.0'
    yield f'{theirs}.ca.fc2', f'{ours}.channel_gate.layers.2'
    yield f'{theirs}.sa.conv1', f'{ours}.spatial_gate.conv'


def dnanet() -> Iterator[tuple]:
    for i in range(5):
        for j in range(5 - i):
            node = f'backbone.columns.{j - 1}.{i}'
            if j == 0:
                node = f'backbone.nodes.{i}'
            elif i + j == 4:
                node = f'decode_head.last.{i}'
            for b in range(2):
                yield from attention_block(f'conv{i}_{j}.{b}', f'{node}.{b}')
    yield from attention_block('conv0_4_final.0', 'decode_head.fuse')
    for k in range(1, 5):
        yield f'conv0_{k}_1x1', f'decode_head.laterals.{k - 1}'
        yield f'final{k}', f'decode_head.sides.{k - 1}'
    yield 'final4', 'decode_head.logits'


def rsu(theirs: str, ours: str, depth: int, dilated: bool) -> Iterator[tuple]:
    layers = {'in': 'stem'}
    layers |= {f'{i}': f'encoder.{i - 1}' for i in range(1, depth + 1)}
    if not dilated:
        layers[f'{depth}'] = 'bottom'
    layers |= {f'{i}d': f'decoder.{depth - 1 - i}' for i in range(1, depth)}
    for name, place in layers.items():
        for i, kind in enumerate(('conv', 'bn')):
            yield f'{theirs}.rebnconv{name}.{kind}_s1', f'{ours}.{place}.{i}'


def uiunet() -> Iterator[tuple]:
    for level, depth in enumerate((7, 6, 5, 4, 4, 4), start=1):
        for d, ours in (
            ('', f'backbone.stages.{level - 1}'),
            ('d', f'decode_head.stage{level}'),
        ):
            yield from rsu(f'stage{level}{d}', ours, depth, level > 4)
        yield f'side{level}', f'decode_head.sides.{level - 1}'
        fuse = f'fuse{level}', f'decode_head.fuse{level}'
        for name, place, layers in (
            ('feature_high', 'project', (0, 1)),
            ('topdown', 'channel_gate', (1, 2, 4, 5)),
            ('bottomup', 'squeeze', (0, 1)),
            ('post', 'post', (0, 1)),
        ):
            yield from same(f'{fuse[0]}.{name}', f'{fuse[1]}.{place}', layers)
        yield f'{fuse[0]}.bottomup.3.conv1', f'{fuse[1]}.spatial_gate.conv'
    yield 'outconv', 'decode_head.logits'


def squeeze(theirs: str, ours: str) -> Iterator[tuple]:
    for i in (0, 2):
        yield f'{theirs}.fc.{i}', f'{ours}.gate.{i + 1}'


def down_block(theirs: str, ours: str) -> Iterator[tuple]:
    yield from same(f'{theirs}.layer1', f'{ours}.main', (0, 1, 4, 5))
    yield from same(f'{theirs}.layer2', f'{ours}.shortcut', (0, 1))


def trunk(stages: int, gated: bool = False) -> Iterator[tuple]:
    yield from same('stage.layer1', 'backbone.stem')
    for s in range(1, stages + 1):
        for b in range(1, 4):
            theirs = f'stage.resnet{s}_{b}'
            ours = f'backbone.stages.{s - 1}.{b - 1}'
            if b == 1 and s > 1:
                yield from down_block(theirs, ours)
            elif b == 1 or not gated:
                yield from same(f'{theirs}.layer', f'{ours}.main')
            else:
                yield from same(f'{theirs}.layer1', f'{ours}.main', (0, 1))
                yield from squeeze(f'{theirs}.SEAttention', f'{ours}.main.3')
                for i in (0, 1):
                    yield f'{theirs}.layer2.{i}', f'{ours}.main.{4 + i}'


def mlclnet() -> Iterator[tuple]:
    yield from trunk(3)
    for level in (1, 2, 3):
        ours = f'decode_head.contrasts.{level - 1}'
        for k in (1, 2, 3):
            theirs = f'mlcl{level}.layer{k}'
            yield from same(theirs, f'{ours}.scales.{k - 1}', (0, 2))
        yield f'mlcl{level}.conv', f'{ours}.fuse'
        yield f'conv{level}.0', f'decode_head.laterals.{level - 1}.0'
    yield from same('layer', 'decode_head.logits', (0, 2))


def top_down() -> Iterator[tuple]:
    for level in range(1, 6):
        ours = f'decode_head.transfers.{level - 1}'
        yield from same(f'lcl{level}.layer1', ours, (0, 2))
    for level in range(1, 5):
        for i in (0, 1):
            ours = f'decode_head.fusions.{level - 1}.project.{i}'
            yield f'sbam{level}.hl_layer.{i + 1}', ours
    yield from same('layer', 'decode_head.logits', (0, 2))


def alclnet() -> Iterator[tuple]:
    yield from trunk(5)
    yield from top_down()
    for level in range(1, 5):
        ours = f'decode_head.fusions.{level - 1}.gate'
        yield from same(f'sbam{level}.ll_layer', ours, (0, 1))


def gglnet() -> Iterator[tuple]:
    yield from trunk(5, gated=True)
    yield from top_down()
    for level in range(1, 6):
        for theirs, ours in dict(layer1='gradient', layer2='fuse').items():
            theirs = f'stage.Res{level}.{theirs}'
            ours = f'backbone.supplements.{level - 1}.{ours}'
            yield from same(theirs, ours, (0, 1, 4, 5))
            yield from squeeze(f'{theirs}.3', f'{ours}.3')
    for level in range(1, 5):
        theirs, ours = f'sbam{level}', f'decode_head.fusions.{level - 1}'
        yield from same(
            f'{theirs}.hl_layer_2.se', f'{ours}.channel_gate.layers', (0, 2)
        )
        yield f'{theirs}.ll_layer.conv', f'{ours}.spatial_gate.conv'


def basic(theirs: str, ours: str, at: int = 0) -> Iterator[tuple]:
    yield f'{theirs}.conv', f'{ours}.{at}'
    yield f'{theirs}.bn', f'{ours}.{at + 1}'


def scales(theirs: str, ours: str, branches: int) -> Iterator[tuple]:
    for k in range(branches):
        for j in (0, 1):
            yield from basic(
                f'{theirs}.branch{k}.{j}', f'{ours}.branches.{k}', 3 * j
            )
    yield from basic(f'{theirs}.conv_cat', f'{ours}.fuse')


def msda_block(theirs: str, ours: str) -> Iterator[tuple]:
    yield from scales(theirs, f'{ours}.main.0', 4)
    attention = f'{theirs}.FrequencyAttention'
    for i, wave in enumerate(('LH', 'HL', 'HH', 'LL')):
        yield (
            f'{attention}.{wave}_reduce.conv',
            f'{ours}.main.1.gates.{i}.conv',
        )
    yield from same(f'{attention}.conv_res', f'{ours}.main.1.post', (0, 1))
    yield from squeeze(f'{theirs}.SEAttention', f'{ours}.main.2')
    yield from basic(f'{theirs}.conv_res', f'{ours}.main.3')


def msdanet() -> Iterator[tuple]:
    yield from same('stage.layer1', 'backbone.stem')
    yield from same('stage.resnet1_1.layer', 'backbone.stage1.0.main')
    for s in range(1, 6):
        first, blocks = f'backbone.stage{s}.0', f'backbone.stage{s}.1'
        if s == 2:
            first, blocks = 'backbone.down2', 'backbone.stage2'
        yield from down_block(f'stage.resnet{s}_1', first)
        for b in (0, 1):
            yield from msda_block(f'stage.resnet{s}_{b + 2}', f'{blocks}.{b}')
        theirs, ours = f'mlcl{s}', f'decode_head.transfers.{s - 1}'
        yield from scales(theirs, ours, 3)
    for s in range(1, 5):
        ours = f'backbone.aggregate.laterals.{s - 1}.0'
        yield f'stage.layer{s}_4.{5 - s}', ours
        theirs, ours = f'sbam{s}', f'decode_head.fusions.{s - 1}'
        yield from same(f'{theirs}.hl_layer', f'{ours}.project', (0, 1))
        yield from same(f'{theirs}.concat_layer', f'{ours}.correct')
    yield from same('stage.layer5_4', 'backbone.aggregate.fuse', (0, 2))
    yield from same('layer', 'decode_head.logits', (0, 2))


# Network: pairs of (theirs, ours); names that a network lacks do no harm.
LAYERS = {
    'acm': dict(acm()),
    'acm-release': dict(acm(blocks=4, gluon=True)),
    'alcnet': dict(acm(blocks=4, fuse='fuse{}{}')),
    'alcnet-orig': dict(alcnet_orig()),
    'dnanet': dict(dnanet()),
    'uiunet': dict(uiunet()),
    'mlclnet': dict(mlclnet()),
    'alclnet': dict(alclnet()),
    'gglnet': dict(gglnet()),
    'msdanet': dict(msdanet()),
}
