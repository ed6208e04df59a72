"""What running an ONNX file can run into, and what the error says."""

import numpy as np
import onnx
import onnxruntime
import pytest

from fdep_mm.apis.onnx_backend import OnnxBackend


@pytest.fixture
def model(acm_model):
    """One that may be changed."""
    copy = onnx.ModelProto()
    copy.CopyFrom(acm_model)
    return copy


@pytest.mark.parametrize('device', ['cuda', 'cuda:1'])
def test_a_device_that_onnxruntime_was_not_built_for(
    acm_file, device, monkeypatch
):
    available = ['CPUExecutionProvider']
    monkeypatch.setattr(
        onnxruntime, 'get_available_providers', lambda: available
    )
    message = f"device '{device}': .*no CUDAExecutionProvider.*device='cpu'"
    with pytest.raises(ValueError, match=message):
        OnnxBackend(acm_file, device)
    providers = OnnxBackend(acm_file).session.get_providers()
    assert providers == available


def test_a_network_that_fails_on_a_size(model):
    """Here one of a fixed size; others need a least one."""
    dims = model.graph.input[0].type.tensor_type.shape.dim
    dims[2].dim_value = dims[3].dim_value = 64
    backend = OnnxBackend(model.SerializeToString(), 'cpu', threads=1)
    images = np.zeros((1, 70, 60, 3), np.float32)
    assert backend(images[:, :40]).shape == (1, 40, 60)
    message = 'the model: the network failed on images of 70x60 px'
    with pytest.raises(ValueError, match=message):
        backend(images)


def test_a_file_of_an_unknown_task(model):
    (entry,) = (p for p in model.metadata_props if p.key == 'fdep_mm.task')
    entry.value = '"tracking"'
    message = "the model: task 'tracking' is none of .*Export .* again"
    with pytest.raises(ValueError, match=message):
        OnnxBackend(model.SerializeToString(), 'cpu', threads=1)
