"""Changes of an exported graph that make it faster, not different."""

from copy import deepcopy

import numpy as np
from onnx import ModelProto, NodeProto, helper, numpy_helper

POOLS = {'ReduceMean': 'GlobalAveragePool', 'ReduceMax': 'GlobalMaxPool'}
# Transposed convolutions that double height and width.
DOUBLING = dict(
    dilations=[1, 1],
    group=1,
    kernel_shape=[4, 4],
    pads=[1, 1, 1, 1],
    strides=[2, 2],
)
# Starts, ends and axes of a slice that drops a margin of 1 px.
CUT = dict(cut_starts=[1, 1], cut_ends=[-1, -1], cut_axes=[2, 3])


def own_constants(model: ModelProto) -> None:
    """Replace identities of constants by copies of them.

    The exporter keeps equal weights once, such as zero biases, and passes
    them on through identities, which quantization takes for activations: the
    convolution would stay in float32.
    """
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    nodes, copies = [], []
    for node in graph.node:
        if node.op_type == 'Identity' and node.input[0] in constants:
            copy = deepcopy(constants[node.input[0]])
            copy.name = node.output[0]
            copies.append(copy)
            constants[copy.name] = copy
        else:
            nodes.append(node)
    graph.initializer.extend(copies)
    del graph.node[:]
    graph.node.extend(nodes)


def pool_globally(model: ModelProto) -> None:
    """Write means and maxima over all pixels as global poolings.

    These work on onnxruntime's blocked layout, and the mean on 8-bit integers;
    the general reductions on neither. Axes are attributes up to opset 17.
    """
    for node in model.graph.node:
        if node.op_type not in POOLS:
            continue
        options = {
            item.name: helper.get_attribute_value(item)
            for item in node.attribute
        }
        axes = sorted(options.get('axes', []))
        if axes in ([2, 3], [-2, -1]) and options.get('keepdims', 1):
            node.op_type = POOLS[node.op_type]
            del node.attribute[:]


def unblock_single_channel(model: ModelProto) -> None:
    """Keep one-channel maps out of onnxruntime's blocked layout.

    onnxruntime's convolutions, and what follows them, work on blocks of 8 or
    16 channels: one channel of logits is enlarged and goes through the sigmoid
    as 16. The layout ends at an operator that cannot keep it, so the channel
    is removed and restored between a convolution to one channel and a resize,
    as in ACM and ALCNet.
    """
    graph = model.graph
    channels = {tensor.name: tensor.dims for tensor in graph.initializer}
    single = {
        node.output[0]
        for node in graph.node
        if node.op_type == 'Conv' and channels[node.input[1]][0] == 1
    }
    nodes = []
    for node in graph.node:
        if node.op_type == 'Resize' and node.input[0] in single:
            nodes += _drop_and_restore(node)
        nodes.append(node)
    if len(nodes) > len(graph.node):
        axes = numpy_helper.from_array(np.array([1]), 'channel_axis')
        graph.initializer.append(axes)
    del graph.node[:]
    graph.node.extend(nodes)


def _drop_and_restore(resize: NodeProto) -> list[NodeProto]:
    """Nodes between a convolution and a resize, which then reads them."""
    source = resize.input[0]
    flat, single = f'{resize.name}/flat', f'{resize.name}/single'
    resize.input[0] = single
    axis = 'channel_axis'
    return [
        helper.make_node('Squeeze', [source, axis], [flat], flat),
        helper.make_node('Unsqueeze', [flat, axis], [single], single),
    ]


def split_transposed(model: ModelProto) -> int:
    """Write transposed convolutions that double the size as convolutions.

    onnxruntime's are slow on a CPU. Of 4x4 taps with stride 2, each 2x2 pixels
    of the output see 2x2 of the input: a convolution gives these pixels as
    channels, which are spread, and the margin is cut.
    """
    graph = model.graph
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    nodes, places = [], 0
    for node in graph.node:
        options = {
            item.name: helper.get_attribute_value(item)
            for item in node.attribute
        }
        if node.op_type == 'ConvTranspose' and options == DOUBLING:
            for name in node.input[1:]:
                tensor = tensors[name]
                values = _split(numpy_helper.to_array(tensor))
                tensor.CopyFrom(numpy_helper.from_array(values, name))
            nodes += _spread_and_cut(node)
            places += 1
        else:
            nodes.append(node)
    if places:
        graph.initializer.extend(
            numpy_helper.from_array(np.array(value), name)
            for name, value in CUT.items()
        )
    del graph.node[:]
    graph.node.extend(nodes)
    return places


def _split(values: np.ndarray) -> np.ndarray:
    """Weights (I, O, 4, 4) become (4 O, I, 2, 2), a bias (O,) (4 O,)."""
    if values.ndim == 1:
        return values.repeat(4)
    taps = values.reshape(*values.shape[:2], 2, 2, 2, 2)
    taps = taps[:, :, ::-1, :, ::-1].transpose(1, 3, 5, 0, 2, 4)
    return taps.reshape(-1, len(values), 2, 2)


def _spread_and_cut(node: NodeProto) -> list[NodeProto]:
    """Nodes in place of a transposed convolution."""
    name = node.name
    conv, spread = f'{name}/conv', f'{name}/spread'
    taps = dict(kernel_shape=[2, 2], pads=[1, 1, 1, 1], strides=[1, 1])
    return [
        helper.make_node('Conv', node.input, [conv], conv, **taps),
        helper.make_node(
            'DepthToSpace', [conv], [spread], spread, blocksize=2, mode='CRD'
        ),
        helper.make_node('Slice', [spread, *CUT], node.output, f'{name}/cut'),
    ]
