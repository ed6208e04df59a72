"""What running an ONNX file can run into, and what the error says."""

import numpy as np
import onnx
import onnxruntime
import pytest

from fdep_mm.apis.card import ModelCard
from fdep_mm.apis.onnx_backend import PROVIDERS, OnnxBackend


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
    message = f"device='{device}': .*no CUDAExecutionProvider.*device='cpu'"
    with pytest.raises(ValueError, match=message):
        OnnxBackend(acm_file, device)
    providers = OnnxBackend(acm_file).session.get_providers()
    assert providers == available


@pytest.mark.filterwarnings('ignore:Specified provider')
@pytest.mark.parametrize(
    ('device', 'way_out'),
    [('cuda:0', "use device='cpu'"), ('tensorrt', 'leave tensorrt out')],
)
def test_a_device_whose_libraries_are_missing(
    acm_file, device, way_out, monkeypatch
):
    """onnxruntime falls back to the CPU without an error."""
    built = [*PROVIDERS.values()]
    monkeypatch.setattr(onnxruntime, 'get_available_providers', lambda: built)
    message = f"device='{device}': .*cannot load .*CUDA.*{way_out}"
    with pytest.raises(ValueError, match=message):
        OnnxBackend(acm_file, device)
    providers = OnnxBackend(acm_file).session.get_providers()
    assert providers == ['CPUExecutionProvider']


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


NMS = (
    '{"score_thr": 0.05, "nms_pre": %s, "iou_threshold": 0.5, '
    '"max_per_img": 100, "min_bbox_size": -1}'
)


@pytest.mark.parametrize('text', ['"tracking"', '["a"]', '[' * 100000])
def test_a_card_of_rubbish(model, text):
    (entry,) = (p for p in model.metadata_props if p.key == 'fdep_mm.task')
    entry.value = text
    with pytest.raises(ValueError, match='the model: .*Export .* again'):
        OnnxBackend(model.SerializeToString(), 'cpu', threads=1)


@pytest.mark.parametrize(
    ('key', 'values'),
    [
        ('stride', ['0', '-16', '1.5', 'null', '"a"', '1000000000']),
        ('threshold', ['7', 'null', '"a"', 'NaN']),
        ('pad_value', ['[1]', '"abc"', 'null', '[0, 0, Infinity]']),
        ('resize', ['[0, 0]', '[1000000000, 2]', '"ab"']),
        ('nms', ['[]', '{}', NMS % '"all"', NMS % '0.5', NMS % 'null']),
    ],
)
def test_numbers_that_no_card_has(model, key, values):
    card = {p.key: p.value for p in model.metadata_props}
    ModelCard.from_metadata(card, 'x')
    for value in values:
        card[f'fdep_mm.{key}'] = value
        with pytest.raises(
            ValueError, match=f'x: .*{key}=.* is impossible.*Export'
        ):
            ModelCard.from_metadata(card, 'x')


def test_outputs_of_another_type(model):
    (last,) = (n for n in model.graph.node if 'prob' in n.output)
    last.output[0] = 'one'
    text = onnx.TensorProto.STRING
    model.graph.node.append(
        onnx.helper.make_node('Cast', ['one'], ['prob'], to=text)
    )
    model.graph.output[0].type.tensor_type.elem_type = text
    with pytest.raises(ValueError, match=r'its card, .*prob: tensor\(string'):
        OnnxBackend(model.SerializeToString(), 'cpu', threads=1)


def test_outputs_that_do_not_fit_the_card(model):
    """Neither another task, nor another number of channels or pixels."""
    (entry,) = (p for p in model.metadata_props if p.key == 'fdep_mm.task')
    entry.value = '"detection"'
    message = 'the model: .* does not fit its card, which says detection'
    with pytest.raises(ValueError, match=message):
        OnnxBackend(model.SerializeToString(), 'cpu', threads=1)
    entry.value = '"segmentation"'
    (last,) = (n for n in model.graph.node if 'prob' in n.output)
    last.output[0] = 'one'
    twice = onnx.helper.make_node('Concat', ['one', 'one'], ['prob'], axis=1)
    model.graph.node.append(twice)
    model.graph.output[0].type.tensor_type.ClearField('shape')
    backend = OnnxBackend(model.SerializeToString(), 'cpu', threads=1)
    with pytest.raises(ValueError, match=r'card.*\(1, 2, 32, 32\)'):
        backend(np.zeros((1, 32, 32, 3), np.float32))
