"""Changes of an exported graph that make it faster, not different."""

from copy import deepcopy

import numpy as np
from onnx import ModelProto, NodeProto, helper, numpy_helper

POOLS = {'ReduceMean': 'GlobalAveragePool', 'ReduceMax': 'GlobalMaxPool'}


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
