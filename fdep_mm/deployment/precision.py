"""Smaller numbers: half precision and 8-bit integers."""

import tempfile
import warnings
from collections.abc import Iterable
from copy import deepcopy
from pathlib import Path

import numpy as np
import onnx
from onnx import ModelProto
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.transformers.float16 import convert_float_to_float16

# Weights of 7 bits: on processors without VNNI the sums of 8-bit products
# overflow their 16 bits.
QUANTIZED = (
    *('Add', 'Concat', 'Conv', 'GlobalAveragePool'),
    *('MaxPool', 'Mul', 'Resize', 'Sigmoid'),
)


def to_fp16(model: ModelProto) -> ModelProto:
    """Store and compute in half precision; inputs and outputs stay float32."""
    with warnings.catch_warnings():
        # of constants too small for half precision, such as epsilons
        warnings.simplefilter('ignore')
        return convert_float_to_float16(deepcopy(model), keep_io_types=True)


def to_int8(model: ModelProto, batches: Iterable[np.ndarray]) -> ModelProto:
    """Quantize to 8-bit integers, calibrated on batches (N, 3, H, W) (static).

    Weights have a scale for each output channel. Ranges of activations are
    from the least to the largest value seen: rules that cut off outliers
    would cut off the targets. The last convolutions and what follows them
    stay in float32, so that probabilities keep their resolution.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'int8.onnx'
        quantize_static(
            deepcopy(model),  # it is changed
            path,
            _Batches(batches),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(QUANTIZED),
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=last_nodes(model),
        )
        return onnx.load(path)


class _Batches(CalibrationDataReader):
    def __init__(self, batches: Iterable[np.ndarray]):
        self.batches = iter(batches)

    def get_next(self) -> dict[str, np.ndarray] | None:
        """Give the next batch, None after the last one."""
        batch = next(self.batches, None)
        return None if batch is None else {'images': batch}


def last_nodes(model: ModelProto) -> list[str]:
    """Names of the last convolutions and of all nodes after them."""
    makers = {out: node for node in model.graph.node for out in node.output}
    names: set[str] = set()
    values = [output.name for output in model.graph.output]
    while values:
        node = makers.get(values.pop())
        if node is None or node.name in names:
            continue
        names.add(node.name)
        if node.op_type != 'Conv':
            values.extend(node.input)
    return sorted(names)
