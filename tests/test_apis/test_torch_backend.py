"""A config and its checkpoint: the results of the test loop, bit for bit."""

import copy

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import init_default_scope

from fdep_mm.apis import SIRSTInferencer
from fdep_mm.apis.opening import open_backend
from fdep_mm.registry import MODELS

HOST = 'configs/acm/acm_1xb16-400e_nuaa-sirst-256x256.py'
FDEP = (
    'configs/fdep/fdep-efficientnet-lite0_acm_1xb16-100e_nuaa-sirst-256x256.py'
)
SYNTHETIC = 'configs/acm/acm_1xb16-12e_synthetic-128x128.py'
OSCAR = 'configs/oscar/oscar_r18_fpn-128_1x_sirstv2.py'


def build(config):
    init_default_scope(config.default_scope)
    model = MODELS.build(config.model)
    for norm in model.modules():  # as training leaves them
        if isinstance(norm, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(norm.running_mean, std=0.1)
            torch.nn.init.uniform_(norm.running_var, 0.5, 1.5)
    return model.eval()


@pytest.fixture(scope='module')
def host(repo, tmp_path_factory):
    """A config, its network and its checkpoint."""
    torch.manual_seed(0)
    config = Config.fromfile(repo / HOST)
    model = build(copy.deepcopy(config))
    path = tmp_path_factory.mktemp('host') / 'epoch_1.pth'
    meta = dict(cfg=config.pretty_text)
    torch.save(dict(state_dict=model.state_dict(), meta=meta), path)
    return config, model, path


def test_other_pixel_values_than_in_training_are_told(host, recwarn):
    config, _, weights = host
    open_backend(config, weights, 'cpu')
    assert not [w for w in recwarn if 'other values' in str(w.message)]
    other = copy.deepcopy(config)
    other.model.data_preprocessor.mean = [1.0, 2, 3]
    with pytest.warns(UserWarning, match='other values than it knows'):
        open_backend(other, weights, 'cpu')


@pytest.fixture
def files(tmp_path):
    """Images of several kinds, all of which need padding."""
    rng = np.random.default_rng(0)
    for name, shape, dtype in (
        ('a.png', (50, 70), np.uint8),
        ('b.png', (50, 70), np.uint8),
        ('c.png', (64, 33, 3), np.uint8),
        ('d.tif', (50, 70), np.uint16),
        ('e.jpg', (50, 70, 3), np.uint8),
    ):
        image = rng.integers(0, np.iinfo(dtype).max, shape, dtype)
        cv2.imwrite(str(tmp_path / name), image)
    return sorted(tmp_path.iterdir())


def run_test_pipeline(config, model, path):
    """As the test loop does, one image at a time."""
    pipeline = [
        step
        for step in config.test_dataloader.dataset.pipeline
        if step['type'] != 'LoadAnnotations'
    ]
    info = dict(img_path=str(path), img_id=0, seg_fields=[])
    data = pseudo_collate([Compose(pipeline)(info)])
    with torch.no_grad():
        return model.test_step(data)[0]


@pytest.mark.parametrize('batch_size', [1, 4])
def test_segmentor_equals_the_test_loop(host, files, batch_size):
    config, model, weights = host
    run = SIRSTInferencer(config, weights, device='cpu', show_progress=False)
    found = run(files, batch_size=batch_size)['predictions']
    assert [p.name for p in found] == ['a', 'b', 'c', 'd', 'e']
    for path, prediction in zip(files, found, strict=True):
        truth = run_test_pipeline(config, model, path)
        prob = truth.seg_logits.data[0].numpy()
        if batch_size == 1:
            assert (prediction.prob == prob).all()
        np.testing.assert_allclose(prediction.prob, prob, atol=1e-6)
        assert prediction.prob.std() > 0


def test_threshold_is_that_of_the_network(host, files):
    config, model, weights = host
    run = SIRSTInferencer(config, weights, 'cpu', show_progress=False)
    assert run.backend.threshold == 0.5 and run.backend.stride == 32
    truth = run_test_pipeline(config, model, files[0])
    (own,) = run(files[0])['predictions']
    assert (own.mask == truth.pred_sem_seg.data[0].numpy()).all()
    middle = float(np.median(own.prob))
    (other,) = run(files[0], threshold=middle)['predictions']
    assert (other.mask == (own.prob > middle)).all()
    assert sum(t.area for t in other.targets) == other.mask.sum() > 0


def test_config_from_the_checkpoint(host, files):
    config, _, weights = host
    given = (None, weights), (weights, None), (config, weights)
    runs = [SIRSTInferencer(*g, 'cpu', show_progress=False) for g in given]
    (one,), (two,), (three,) = (r(files[0])['predictions'] for r in runs)
    assert (one.prob == two.prob).all() and (one.prob == three.prob).all()


def test_light_branch_of_an_fdep_network(repo, host, files, tmp_path):
    pytest.importorskip('timm')
    model = build(Config.fromfile(repo / FDEP))
    path = tmp_path / 'fdep.pth'
    torch.save(dict(state_dict=model.state_dict()), path)
    assert any(key.startswith('samf.') for key in model.state_dict())
    run = SIRSTInferencer(repo / FDEP, path, 'cpu', show_progress=False)
    assert type(run.backend.model).__name__ == 'EncoderDecoder'
    (found,) = run(files[0])['predictions']
    truth = run_test_pipeline(host[0], model, files[0])
    assert (found.prob == truth.seg_logits.data[0].numpy()).all()


def test_tiles_of_a_local_network(host):
    """Equal where the receptive field allows it; ACM's attention is global."""
    config = copy.deepcopy(host[0])
    init_default_scope('mmseg')
    network = build(config)
    local = torch.nn.Conv2d(3, 1, 5, padding=2)
    network.encode_decode = lambda inputs, metas: local(inputs)
    backend = open_backend(config, host[2], 'cpu')
    backend.model = network
    image = np.random.default_rng(0).integers(0, 256, (150, 333), np.uint8)
    probs = [
        SIRSTInferencer(backend, **tiles, show_progress=False)(image)[
            'predictions'
        ][0].prob
        for tiles in (
            dict(),
            dict(tile_size=64, overlap=32, tile_above=100),
        )
    ]
    np.testing.assert_allclose(*probs, atol=1e-6)


def test_synthetic_config_takes_files(repo, files):
    with pytest.warns(UserWarning, match='no weights'):
        backend = open_backend(repo / SYNTHETIC, device='cpu')
    assert backend.gray and backend.gray_range == 'dtype'
    maps = backend(np.zeros((2, 40, 50, 3), np.float32))
    assert maps.shape == (2, 40, 50) and maps.dtype == np.float32


@pytest.fixture(scope='module')
def oscar(repo):
    pytest.importorskip('mmdet.models')
    torch.manual_seed(0)
    config = Config.fromfile(repo / OSCAR)
    # a tenth of the pixels, for speed
    for step in config.test_dataloader.dataset.pipeline:
        if step['type'] == 'Resize':
            step['scale'] = (300, 180)
    return config


def test_detector_equals_the_test_loop(oscar, files, tmp_path):
    model = build(copy.deepcopy(oscar))
    path = tmp_path / 'oscar.pth'
    torch.save(dict(state_dict=model.state_dict()), path)
    run = SIRSTInferencer(oscar, path, 'cpu', show_progress=False)
    assert run.backend.task == 'detection'
    files = [f for f in files if f.suffix != '.tif']
    found = run(files, threshold=0)['predictions']
    for path, prediction in zip(files, found, strict=True):
        truth = run_test_pipeline(oscar, model, path).pred_instances
        assert prediction.prob is prediction.mask is None
        scores = [t.score for t in prediction.targets]
        assert scores == sorted(scores, reverse=True)
        assert len(scores) == len(truth) > 0
        assert scores == sorted(truth.scores.tolist(), reverse=True)
        height, width = prediction.shape
        boxes = truth.bboxes.numpy()
        x = (boxes[:, 0::2].clip(0, width)).mean(axis=1) - 0.5
        own = [t.x for t in prediction.targets]
        np.testing.assert_allclose(sorted(own), sorted(x), atol=1e-4)


@pytest.mark.parametrize('change', ['missing', 'foreign', 'shape'])
def test_weights_of_another_network(host, tmp_path, change):
    config, model, _ = host
    state = dict(model.state_dict())
    key = next(iter(state))
    if change == 'missing':
        del state[key]
    elif change == 'foreign':
        state['neck.weight'] = torch.zeros(1)
    else:
        state[key] = torch.zeros(1, 2, 3)
    torch.save(state, tmp_path / 'w.pth')
    with pytest.raises(ValueError, match='w.pth.* not of this config: 1 '):
        open_backend(config, tmp_path / 'w.pth', 'cpu')


def test_files_that_are_no_checkpoint(host, tmp_path):
    for name, content in (('a.pth', b''), ('b.pth', b'text'), ('c.pth', None)):
        path = tmp_path / name
        if content is None:
            path.write_bytes(host[2].read_bytes()[:1000])
        else:
            path.write_bytes(content)
        with pytest.raises(ValueError, match=f'{name}.*damaged'):
            open_backend(host[0], path, 'cpu')
    torch.save([1, 2], tmp_path / 'd.pth')
    with pytest.raises(ValueError, match='hold a list'):
        open_backend(host[0], tmp_path / 'd.pth', 'cpu')


def test_wrong_arguments(repo, host, tmp_path):
    config, _, weights = host
    with pytest.raises(ValueError, match='neither model nor weights'):
        open_backend(None)
    with pytest.raises(FileNotFoundError, match="model 'lost.py'"):
        open_backend('lost.py', weights)
    with pytest.raises(FileNotFoundError, match="weights 'lost.pth'"):
        open_backend(config, 'lost.pth')
    (tmp_path / 'x.onnx').write_bytes(b'')
    with pytest.raises(ValueError, match='holds its weights'):
        open_backend(tmp_path / 'x.onnx', weights)
    base = repo / 'configs/_base_/schedules/adamw_400e.py'
    with pytest.raises(ValueError, match='holds no model'):
        open_backend(base, weights)
    torch.save(dict(state_dict={}), tmp_path / 'w.pth')
    with pytest.raises(ValueError, match='hold no config'):
        open_backend(None, tmp_path / 'w.pth')
    with pytest.raises(ValueError, match="device='nonsense'"):
        open_backend(config, weights, 'nonsense')


def test_configs_without_a_test_pipeline(host):
    config, _, weights = host
    cfg = Config(dict(model=copy.deepcopy(config.model)))
    names = "neither 'test_dataloader' nor 'test_pipeline'"
    with pytest.raises(ValueError, match=names):
        open_backend(cfg, weights, 'cpu')
    cfg.test_pipeline = config.test_dataloader.dataset.pipeline
    assert open_backend(cfg, weights, 'cpu').stride == 32


@pytest.mark.filterwarnings('ignore:no weights given')
def test_several_output_channels(host):
    config = copy.deepcopy(host[0])
    head = dict(in_channels=64, in_index=2, channels=8, num_classes=2)
    config.model.decode_head = dict(head, type='FCNHead')
    two = open_backend(config, device='cpu')
    image = np.zeros((1, 32, 32, 3), np.float32)
    (prob,) = two(image)
    assert prob.shape == (32, 32) and 0 < prob.min() <= prob.max() < 1
    assert two.threshold == 0.5
    # mmseg's own threshold of one channel, 0.3, is not what is scored
    config.model.decode_head.out_channels = 1
    assert open_backend(config, device='cpu').threshold == 0.5
    config.model.decode_head.update(num_classes=3, out_channels=3)
    with pytest.raises(ValueError, match='has 3 output channels; set out_ch'):
        open_backend(config, device='cpu')
