"""Changes of an exported graph that make it faster, not different."""

import numpy as np
from onnx import ModelProto, NodeProto, helper, numpy_helper


def unblock_single_channel(model: ModelProto) -> int:
    """Keep one-channel maps out of onnxruntime's blocked layout.

    onnxruntime's convolutions work on blocks of 8 or 16 channels, and what
    follows them does too: one channel of logits is enlarged and goes through
    the sigmoid as 16. The layout ends at an operator that cannot keep it, so
    the channel is taken away and given back where a convolution to one
    channel is followed by a resize, as in ACM and ALCNet.

    Args:
        model (ModelProto): Changed in place.

    Returns:
        int: Number of places.
    """
    graph = model.graph
    channels = {tensor.name: tensor.dims for tensor in graph.initializer}
    single = {
        node.output[0]
        for node in graph.node
        if node.op_type == 'Conv' and channels[node.input[1]][0] == 1
    }
    nodes, places = [], 0
    for node in graph.node:
        if node.op_type == 'Resize' and node.input[0] in single:
            nodes += _drop_and_restore(node)
            places += 1
        nodes.append(node)
    if places:
        axes = numpy_helper.from_array(np.array([1]), 'channel_axis')
        graph.initializer.append(axes)
    del graph.node[:]
    graph.node.extend(nodes)
    return places


def _drop_and_restore(resize: NodeProto) -> list[NodeProto]:
    """Nodes between a convolution and a resize, which then reads them."""
    source = resize.input[0]
    flat, resize.input[0] = f'{resize.name}/flat', f'{resize.name}/single'
    return [
        helper.make_node('Squeeze', [source, 'channel_axis'], [flat], flat),
        helper.make_node(
            'Unsqueeze',
            [flat, 'channel_axis'],
            [resize.input[0]],
            resize.input[0],
        ),
    ]
