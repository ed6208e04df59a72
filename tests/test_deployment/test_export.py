"""The ONNX model computes what PyTorch does, and is the host alone."""

import copy
import json
import re
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from mmengine.config import Config
from mmseg.structures import SegDataSample
from stirred_weights import stir

from fdep_mm.apis.torch_backend import read_pipeline
from fdep_mm.deployment import checked_export
from fdep_mm.deployment.export import export, max_difference
from fdep_mm.deployment.light_branch import build_light_branch
from fdep_mm.models import nets

CONFIGS = Path(__file__).parents[2] / 'configs'
# One leaf of each network: they are called NETWORK_1xbBATCH-EPOCHSe_DATA.
LEAVES = {
    path.stem.split('_')[0]: path
    for path in sorted(CONFIGS.glob('*/*.py'))
    if re.match(r'(?!fdep-)[^_]+_1xb\d+-\d+e_', path.stem)
    and path.parent.name not in ('mshnet', 'sctransnet')  # other packages'
}


def test_the_leaves_are_of_all_networks():
    types = [Config.fromfile(p).model.backbone.type for p in LEAVES.values()]
    encoders = [n for n in dir(nets) if n.endswith('Encoder')]
    assert sorted(types) == [f'fdep_mm.{name}' for name in sorted(encoders)]


@pytest.mark.parametrize('net', LEAVES)
def test_every_network_with_free_batch_height_and_width(net):
    path = LEAVES[net]
    network = build_light_branch(Config.fromfile(path), None)
    stir(network.host)
    model = export(network)
    rng = np.random.default_rng(0)
    batches = [
        rng.normal(110, 8, (number, 3, *size)).astype(np.float32)
        for number, size in ((1, (96, 160)), (3, (128, 96)))
    ]
    assert max_difference(network, model, batches) < 1e-4
    tensors = [*network.host.parameters(), *network.host.buffers()]
    weights = sum(
        np.prod(tensor.dims)
        for tensor in model.graph.initializer
        if tensor.data_type == onnx.TensorProto.FLOAT
    )
    # norms are folded, and nothing is stored twice
    assert 0.9 < weights / sum(tensor.numel() for tensor in tensors) < 1.01


def test_answers_of_the_test_network_vary(acm):
    images = torch.rand(1, 3, 64, 64) * 255
    with torch.no_grad():
        prob = acm(images)
    assert prob.min() < 0.45 and prob.max() > 0.55


def test_fdep_gives_the_same_graph_as_its_host(
    repo, acm_weights, acm_model, tmp_path
):
    state = torch.load(acm_weights)
    state['samf.blocks.0.conv_a.weight'] = torch.zeros(3)
    path = tmp_path / 'fdep.pth'
    torch.save(dict(state_dict=state), path)
    (config,) = (repo / 'configs/fdep').glob('*lite0_acm_1xb16-12e_*.py')
    model = export(build_light_branch(Config.fromfile(config), path))
    assert model.graph.SerializeToString() == (
        acm_model.graph.SerializeToString()
    )


def test_networks_that_search_by_a_sliding_window_are_refused(acm_config):
    cfg = Config.fromfile(acm_config)
    window = dict(mode='slide', crop_size=(64, 64), stride=(48, 48))
    cfg.model.test_cfg = window
    with pytest.raises(ValueError, match="mode='slide'.*mode='whole'"):
        build_light_branch(cfg, None)


def test_nan_is_no_difference_of_zero(acm, acm_model):
    host = copy.deepcopy(acm)
    next(host.host.parameters()).data[:] = np.nan
    batch = np.full((1, 3, 64, 64), 100, np.float32)
    for network, model in ((host, acm_model), (host, export(host))):
        assert np.isnan(max_difference(network, model, [batch, batch]))
    assert max_difference(acm, acm_model, [batch]) < 1e-4


def test_weights_that_diverged_are_refused(
    acm, acm_config, tmp_path, monkeypatch
):
    cfg = Config.fromfile(acm_config)
    state = acm.host.state_dict()
    key = next(iter(state))
    path = tmp_path / 'nan.pth'
    torch.save({**state, key: state[key] * np.nan}, path)
    with pytest.raises(ValueError, match=f'nan.pth.*hold NaN in {key!r}'):
        build_light_branch(cfg, path)
    # finite weights whose answer is not
    for name, value in (
        ('max_difference', float('nan')),
        ('build_light_branch', acm),
    ):
        monkeypatch.setattr(checked_export, name, lambda *_, v=value: v)
    with pytest.raises(checked_export.DifferenceError, match='gives NaN'):
        checked_export.export_checked(cfg, path)


@pytest.mark.parametrize(
    'step',
    [
        dict(type='Resize', scale=(64, 64)),
        dict(type='mmcv.Normalize', mean=[0.0] * 3, std=[1.0] * 3),
        dict(type='Pad', size_divisor=64),
        dict(type='fdep_mm.RandomTranspose'),
    ],
)
def test_what_the_file_would_not_do_is_refused(acm_config, step):
    cfg = Config.fromfile(acm_config)
    cfg.test_dataloader.dataset.pipeline.insert(0, step)
    name = step['type'].split('.')[-1]
    with pytest.raises(ValueError, match=f'test pipeline: {name} cannot'):
        build_light_branch(cfg, None)


def test_metadata(acm_model):
    found = {p.key: json.loads(p.value) for p in acm_model.metadata_props}
    assert found['fdep_mm.network'] == 'ACMEncoder+ACMHead'
    assert found['fdep_mm.classes'] == ['target']
    assert found['fdep_mm.mean'] == [101.1] * 3
    assert found['fdep_mm.std'] == [22.3] * 3
    assert found['fdep_mm.pad_value'] == [0.0] * 3
    assert found['fdep_mm.stride'] == 32
    assert found['fdep_mm.threshold'] == 0.5
    assert found['fdep_mm.precision'] == 'fp32'


def test_channel_order_and_normalization_are_inside(acm_config):
    cfg = Config.fromfile(acm_config)
    cfg.model.data_preprocessor.update(
        mean=[10.0, 20.0, 30.0], std=[1.0, 2.0, 4.0], pad_val=0
    )
    network = build_light_branch(cfg, None)
    assert network.card.pad_value == (30.0, 20.0, 10.0)  # BGR
    images = torch.rand(1, 3, 32, 32) * 255
    preprocessor = network.host.data_preprocessor
    data = dict(inputs=[images[0]], data_samples=[SegDataSample()])
    inputs = preprocessor(data)['inputs']
    with torch.no_grad():
        expected = network.host(inputs).sigmoid()
        assert torch.equal(network(images), expected)


def test_weights_of_another_network_are_refused(repo, acm_weights):
    (path,) = (repo / 'configs/alcnet').glob('alcnet_*synthetic*.py')
    with pytest.raises(ValueError, match='decode_head'):
        build_light_branch(Config.fromfile(path), acm_weights)


def test_several_output_channels_are_refused(acm_config):
    cfg = Config.fromfile(acm_config)
    cfg.model.decode_head = dict(
        type='FCNHead',
        in_channels=64,
        in_index=2,
        channels=8,
        num_classes=2,
        norm_cfg=dict(type='BN'),
    )
    with pytest.raises(ValueError, match='out_channels'):
        build_light_branch(cfg, None)


def test_detectors_without_an_oscar_head_are_refused(repo):
    pytest.importorskip('mmdet.models')
    (path,) = (repo / 'configs/fcos').glob('*.py')
    with pytest.raises(ValueError, match='bbox_head FCOSHead: .*OSCARHead'):
        build_light_branch(Config.fromfile(path), None)


def test_a_resize_that_changes_the_ratio_is_refused(repo):
    pytest.importorskip('mmdet.models')
    (path,) = (repo / 'configs/oscar').glob('*synthetic*.py')
    cfg = Config.fromfile(path)
    (step,) = (t for t in read_pipeline(cfg) if t['type'] == 'Resize')
    step['keep_ratio'] = False
    with pytest.raises(ValueError, match='cannot be exported; use Resize'):
        build_light_branch(cfg, None)
