"""A small network with weights that make its answers differ."""

from importlib.util import find_spec

import pytest
import torch
from mmengine.config import Config
from stirred_weights import stir

HAS_ONNX = find_spec('onnx') is not None and find_spec('onnxruntime')
collect_ignore_glob = [] if HAS_ONNX else ['test_*.py']
if HAS_ONNX:
    from fdep_mm.deployment.export import export
    from fdep_mm.deployment.light_branch import build_light_branch


@pytest.fixture(scope='session')
def acm_config(repo):
    return repo / 'configs/acm/acm_1xb16-12e_synthetic-128x128.py'


@pytest.fixture(scope='session')
def acm_weights(acm_config, tmp_path_factory):
    torch.manual_seed(0)
    network = build_light_branch(Config.fromfile(acm_config), None)
    path = tmp_path_factory.mktemp('weights') / 'acm.pth'
    torch.save(stir(network.host).state_dict(), path)
    return path


@pytest.fixture(scope='session')
def acm(acm_config, acm_weights):
    return build_light_branch(Config.fromfile(acm_config), acm_weights)


@pytest.fixture(scope='session')
def acm_model(acm):
    return export(acm)


@pytest.fixture(scope='session')
def acm_file(acm_model, tmp_path_factory):
    path = tmp_path_factory.mktemp('onnx') / 'acm.onnx'
    path.write_bytes(acm_model.SerializeToString())
    return path
