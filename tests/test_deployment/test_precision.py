"""Half precision, 8-bit integers, and the graph's rewriting."""

from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime
import pytest
from mmengine.config import Config

from fdep_mm.apis.onnx_backend import OnnxBackend
from fdep_mm.deployment.checked_export import lower_precision, score_table
from fdep_mm.deployment.export import max_difference
from fdep_mm.deployment.images import Images, batch, score
from fdep_mm.deployment.precision import last_nodes
from fdep_mm.deployment.rewrite import (
    own_constants,
    pool_globally,
    unblock_single_channel,
)
from fdep_mm.deployment.runtimes import check_equal, prepare


@pytest.fixture(scope='module')
def cfg(acm_config):
    return Config.fromfile(acm_config)


@pytest.fixture(scope='module')
def batches(cfg, acm):
    return [batch(s.image, acm.card) for s in Images(cfg, 'train', 6)]


@pytest.mark.parametrize(
    ('precision', 'tolerance', 'size'),
    [('fp16', 0.02, 0.6), ('int8', 0.25, 0.6)],
)
def test_smaller_numbers_give_similar_answers(
    acm, acm_model, batches, precision, tolerance, size
):
    before = acm_model.SerializeToString()
    model = lower_precision(acm_model, acm.card, precision, batches)
    content = model.SerializeToString()
    assert acm_model.SerializeToString() == before
    assert len(content) < size * len(before)
    assert 0 < max_difference(acm, model, batches) < tolerance
    backend = OnnxBackend(content, 'cpu')
    assert backend.card.precision == precision
    prob = backend(np.full((2, 50, 70, 3), 100, np.float32))
    assert prob.shape == (2, 50, 70) and prob.dtype == np.float32


def test_last_convolution_stays_in_float(acm, acm_model, batches):
    model = lower_precision(acm_model, acm.card, 'int8', batches)
    kept = last_nodes(acm_model)
    makers = {out: node for node in model.graph.node for out in node.output}
    (conv,) = (
        node
        for node in model.graph.node
        if node.name in kept and node.op_type == 'Conv'
    )
    weights = {tensor.name for tensor in model.graph.initializer}
    assert conv.input[1] in weights
    others = [
        node
        for node in model.graph.node
        if node.op_type == 'Conv' and node is not conv
    ]
    quantized = [
        node
        for node in others
        if makers[node.input[1]].op_type == 'DequantizeLinear'
    ]
    assert len(quantized) == len(others) > 30
    (scale,) = (
        tensor
        for tensor in model.graph.initializer
        if tensor.name == makers[quantized[0].input[1]].input[1]
    )
    assert scale.dims[0] > 1  # one for each channel


def test_scores(cfg, acm_model, acm):
    samples = Images(cfg, 'test', 3)
    assert len(samples) == 3

    def perfect(images):
        (sample,) = (s for s in samples if (s.image == images[0]).all())
        return sample.mask[None].astype(np.float32)

    scores = score(perfect, samples, acm.card)
    assert scores['IoU'] == scores['nIoU'] == 1 and scores['Fa'] == 0
    models = {'fp32': acm_model, 'x': acm_model}
    table = score_table(models, samples, acm.card)
    first, second = (line.split() for line in table.splitlines()[1:])
    assert first[1:] == second[1:] and first[2] == '+0.00'


def test_scores_of_detectors(repo):
    pytest.importorskip('mmdet')
    (path,) = (repo / 'configs/oscar').glob('*synthetic*.py')
    samples = Images(Config.fromfile(path), 'test', 3)

    def perfect(images):
        (sample,) = (s for s in samples if (s.image == images[0]).all())
        boxes = sample.truth['gt_instances']['bboxes']
        boxes = np.asarray(getattr(boxes, 'tensor', boxes), np.float32)
        return [np.column_stack([boxes, np.ones(len(boxes), np.float32)])]

    card = SimpleNamespace(task='detection')
    assert score(perfect, samples, card)['NoCoAP10'] > 0.5
    nothing = np.zeros((0, 5), np.float32)
    assert score(lambda _: [nothing], samples, card)['mNoCoAP'] == 0


def test_images_are_spread_over_the_data_set(cfg):
    every = Images(cfg, 'test')
    assert len(every) == 160 and list(every.indices) == list(range(160))
    assert list(Images(cfg, 'train', 3).indices) == [0, 320, 639]


def test_missing_data_names_the_way_out(repo, tmp_path):
    (path,) = (repo / 'configs/acm').glob('acm_*400e_nuaa*.py')
    cfg = Config.fromfile(path)
    cfg.test_dataloader.dataset.data_root = str(tmp_path / 'none')
    with pytest.raises(ValueError, match='Set FDEP_DATA'):
        Images(cfg, 'test')


def run_model(model):
    session = onnxruntime.InferenceSession(model.SerializeToString())
    x = np.linspace(-1, 1, 256, dtype=np.float32).reshape(1, 4, 8, 8)
    return session.run(None, {'x': x})[0]


def small_model(nodes, arrays, shape):
    info = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        nodes,
        'g',
        [info('x', 1, (1, 4, 8, 8))],
        [info('y', 1, shape)],
        [onnx.numpy_helper.from_array(a, n) for n, a in arrays.items()],
    )
    opset = [onnx.helper.make_opsetid('', 17)]
    model = onnx.helper.make_model(graph, opset_imports=opset, ir_version=9)
    onnx.checker.check_model(model)
    return model


def test_identities_of_constants_become_copies(acm_model):
    weight = np.random.default_rng(0).normal(size=(4, 4, 3, 3))
    node = onnx.helper.make_node
    model = small_model(
        [
            node('Identity', ['b'], ['b2'], 'i'),
            node('Identity', ['b2'], ['b3'], 'j'),
            node('Conv', ['x', 'w', 'b2'], ['c'], 'first'),
            node('Identity', ['c'], ['d'], 'no constant'),
            node('Conv', ['d', 'w', 'b3'], ['y'], 'second'),
        ],
        dict(w=weight.astype(np.float32), b=np.full(4, 0.5, np.float32)),
        (1, 4, 4, 4),
    )
    before = run_model(model)
    own_constants(model)
    onnx.checker.check_model(model)
    assert [n.name for n in model.graph.node] == [
        'first',
        'no constant',
        'second',
    ]
    np.testing.assert_array_equal(run_model(model), before)
    # new norms have equal biases, which the exporter keeps once
    assert not {n.op_type for n in acm_model.graph.node} & {'Identity'}


@pytest.mark.parametrize(
    ('reduce', 'pool'),
    [('ReduceMean', 'GlobalAveragePool'), ('ReduceMax', 'GlobalMaxPool')],
)
def test_reductions_over_all_pixels_become_pools(reduce, pool):
    node = onnx.helper.make_node
    model = small_model(
        [
            node(reduce, ['x'], ['p'], 'pixels', axes=[2, 3], keepdims=1),
            node(reduce, ['x'], ['c'], 'channels', axes=[1], keepdims=1),
            node('Add', ['p', 'c'], ['y'], 'sum'),
        ],
        {},
        (1, 4, 8, 8),
    )
    before = run_model(model)
    pool_globally(model)
    onnx.checker.check_model(model)
    assert [n.op_type for n in model.graph.node] == [pool, reduce, 'Add']
    np.testing.assert_allclose(run_model(model), before, atol=1e-6)


def test_one_channel_leaves_the_blocked_layout():
    weight = np.random.default_rng(0).normal(size=(1, 4, 3, 3))
    node = onnx.helper.make_node
    model = small_model(
        [
            node('Conv', ['x', 'w'], ['c'], 'conv'),
            node('Resize', ['c', '', 's'], ['y'], 'resize', mode='linear'),
        ],
        dict(
            w=weight.astype(np.float32), s=np.array([1, 1, 2, 2], np.float32)
        ),
        (1, 1, 12, 12),
    )
    before = run_model(model)
    unblock_single_channel(model)
    onnx.checker.check_model(model)
    assert len(model.graph.node) == 4
    np.testing.assert_allclose(run_model(model), before, atol=1e-6)
    unblock_single_channel(model)
    assert len(model.graph.node) == 4


def test_ways_of_running_agree(acm):
    runs = {m: prepare(acm, m) for m in ('eager', 'fused', 'onnx', 'int8')}
    image = np.random.default_rng(0).normal(100, 10, (1, 3, 64, 96))
    found = check_equal(runs, image.astype(np.float32))
    assert found['eager'] == 0 and 0 < found['int8'] < 0.5
    assert max(found['fused'], found['onnx']) < 1e-4
    with pytest.raises(ValueError, match="mode='fp8': give one of .*'int8'"):
        prepare(acm, 'fp8')
    wrong = dict(eager=runs['eager'], fused=lambda x: runs['eager'](x) + 1)
    with pytest.raises(ValueError, match="'fused' differs"):
        check_equal(wrong, image.astype(np.float32))
    for mode in ('fused', 'int8'):
        wrong = dict(runs, **{mode: lambda x: runs['eager'](x) * np.nan})
        with pytest.raises(ValueError, match=f"'{mode}' differs"):
            check_equal(wrong, image.astype(np.float32))
