"""mmseg's own inference functions with our configs."""

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmseg.apis import MMSegInferencer, inference_model, init_model

from fdep_mm.apis import SIRSTInferencer

CONFIGS = [
    'configs/alcnet/alcnet_1xb16-400e_nuaa-sirst-256x256.py',
    'configs/acm/acm_1xb16-12e_synthetic-128x128.py',
    'configs/fdep/fdep-efficientnet-lite0_acm_1xb16-100e_nuaa-sirst-256x256.py',
]


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (50, 70), np.uint8)


@pytest.fixture
def path(image, tmp_path):
    cv2.imwrite(str(tmp_path / 'x.png'), image)
    return str(tmp_path / 'x.png')


def checkpoint(model, folder):
    """As MMEngine stores it, with the names of our classes."""
    meta = dict(
        dataset_meta=dict(
            classes=('background', 'target'),
            palette=[[0, 0, 0], [255, 255, 255]],
        )
    )
    path = folder / 'epoch_1.pth'
    torch.save(dict(state_dict=model.state_dict(), meta=meta), path)
    return str(path)


@pytest.mark.parametrize('config', CONFIGS)
def test_init_model_and_inference_model(repo, config, image, path, tmp_path):
    if 'fdep' in config:
        pytest.importorskip('timm')
    config = str(repo / config)
    weights = checkpoint(init_model(config, device='cpu'), tmp_path)
    model = init_model(config, weights, device='cpu')
    assert model.dataset_meta['classes'][1] == 'target'
    single = inference_model(model, path)
    several = inference_model(model, [path, path])
    assert len(several) == 2
    run = SIRSTInferencer(config, weights, 'cpu', show_progress=False)
    (own,) = run(path)['predictions']
    for sample in (single, several[0]):
        assert sample.seg_logits.data.shape == (1, 50, 70)
        prob = sample.seg_logits.data[0].numpy()
        np.testing.assert_allclose(prob, own.prob, atol=1e-6)
    # mmseg changes the model's pipeline when it is given arrays
    model = init_model(config, weights, device='cpu')
    for array in (image, np.dstack([image] * 3)):
        prob = inference_model(model, array).seg_logits.data[0].numpy()
        np.testing.assert_allclose(prob, own.prob, atol=1e-6)


def test_mmseg_inferencer_needs_its_own_loader(repo, image, path, tmp_path):
    """It knows no loader but the one of mmcv: gray 8-bit files are equal."""
    config = Config.fromfile(repo / CONFIGS[0])
    weights = checkpoint(init_model(config, device='cpu'), tmp_path)
    config = Config.fromfile(repo / CONFIGS[0])
    pipeline = config.test_dataloader.dataset.pipeline
    pipeline[0] = dict(type='LoadImageFromFile')
    run = MMSegInferencer(config, weights, device='cpu')
    own = SIRSTInferencer(
        str(repo / CONFIGS[0]), weights, 'cpu', show_progress=False
    )
    (truth,) = own(path)['predictions']
    for given in (path, np.dstack([image] * 3)):
        mask = run(given)['predictions']
        assert (mask == truth.mask).all()
