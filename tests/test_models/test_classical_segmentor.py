"""Classical methods among the networks: configs, results, test tools."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmengine.runner.checkpoint import CheckpointLoader
from mmseg.structures import SegDataSample
from tool_runs import run_tool

from fdep_mm.models.classical import METHODS, mpcm
from fdep_mm.registry import MODELS

CONFIGS = Path(__file__).parents[2] / 'configs'
LEAVES = sorted((CONFIGS / 'classical').glob('*.py'))


def build(**options):
    init_default_scope('mmseg')
    options.setdefault('method', 'mpcm')
    return MODELS.build(dict(type='fdep_mm.ClassicalSegmentor', **options))


def scene(height: int = 40, width: int = 50) -> np.ndarray:
    image = np.random.default_rng(0).integers(80, 90, (height, width))
    image[20:23, 30:33] = 200
    return image.astype(np.uint8)


def batch(*images: np.ndarray) -> dict:
    """What the packing transform gives: (3, H, W), BGR."""
    samples = [
        SegDataSample(metainfo=dict(ori_shape=i.shape, img_shape=i.shape))
        for i in images
    ]
    inputs = [torch.from_numpy(np.stack([i] * 3)).float() for i in images]
    return dict(inputs=inputs, data_samples=samples)


def test_results_are_the_functions():
    images = scene(), scene()[:, ::-1].copy()
    results = build().test_step(batch(*images))
    for image, result in zip(images, results, strict=True):
        score = torch.from_numpy(mpcm(image))[None]
        torch.testing.assert_close(
            result.seg_logits.data, score, atol=0, rtol=0
        )
        assert (result.pred_sem_seg.data == (score > 0.5)).all()


def test_parameters_and_threshold():
    model = build(params=dict(scales=(3,), bright_only=True), threshold=0.2)
    (result,) = model.test_step(batch(scene()))
    score = mpcm(scene(), scales=(3,), bright_only=True)
    np.testing.assert_array_equal(result.seg_logits.data[0], score)
    np.testing.assert_array_equal(result.pred_sem_seg.data[0], score > 0.2)


def test_normalization_is_undone():
    network = dict(
        type='SegDataPreProcessor',
        mean=[100.0] * 3,
        std=[30.0] * 3,
        pad_val=-3.3,
        bgr_to_rgb=True,
        test_cfg=dict(size_divisor=32),
    )
    (result,) = build(data_preprocessor=network).test_step(batch(scene()))
    np.testing.assert_allclose(
        result.seg_logits.data[0], mpcm(scene()), atol=1e-4
    )


def test_color_is_luminance():
    color = np.random.default_rng(0).uniform(0, 255, (3, 40, 50))
    data = batch(scene())
    data['inputs'] = [torch.from_numpy(color).float()]
    (result,) = build().test_step(data)
    gray = np.tensordot((0.114, 0.587, 0.299), color, 1)
    np.testing.assert_allclose(
        result.seg_logits.data[0], mpcm(gray), atol=1e-4
    )


def test_flips_and_sizes_come_back():
    data = batch(scene()[:, ::-1].copy())
    data['data_samples'][0].set_metainfo(
        dict(flip=True, flip_direction='horizontal', ori_shape=(80, 100))
    )
    (result,) = build().test_step(data)
    score = result.seg_logits.data[0]
    assert score.shape == (80, 100)
    y, x = divmod(int(score.argmax()), 100)
    assert abs(y - 43) <= 2 and abs(x - 63) <= 2


def test_only_testing():
    model = build()
    assert not list(model.parameters()) and not model.state_dict()
    images = 255 * torch.rand(2, 3, 20, 20)
    assert model(images).shape == (2, 1, 20, 20)
    with pytest.raises(NotImplementedError, match='not trained'):
        model.loss(torch.rand(1, 3, 9, 9), [])


def test_errors():
    with pytest.raises(ValueError, match="method='mpcn': give one of"):
        build(method='mpcn')
    with pytest.raises(TypeError, match="no parameter .'scale'."):
        build(params=dict(scale=3))


def test_none_is_a_checkpoint():
    assert CheckpointLoader.load_checkpoint('none') == dict(state_dict={})
    with pytest.raises(FileNotFoundError):
        CheckpointLoader.load_checkpoint('nonesuch.pth')


def test_there_is_a_leaf_for_each_method():
    names = {path.stem.removesuffix('_sirstv2') for path in LEAVES}
    assert names == set(METHODS)


@pytest.mark.parametrize('path', LEAVES, ids=lambda p: p.stem)
def test_leaf(path):
    cfg = Config.fromfile(path)
    init_default_scope(cfg.default_scope)
    method, _, data = path.stem.partition('_sirst')
    model = MODELS.build(cfg.model)
    assert model.method is METHODS[method]
    data = 'sirst-v2' if data else 'nuaa-sirst'
    assert len(Evaluator(cfg.test_evaluator).metrics) == 3
    assert data in cfg.test_dataloader.dataset.data_root.lower()


def run_leaf(cfg: Config, folder: Path) -> dict:
    """As ``mim test ... none`` runs it, in this process."""
    cfg.test_dataloader.update(num_workers=0, persistent_workers=False)
    cfg.visualizer.vis_backends = [dict(type='LocalVisBackend')]
    cfg.work_dir, cfg.load_from = str(folder), 'none'
    cfg.custom_hooks = []  # of HSE: curves
    cfg.experiment_name = folder.name
    return Runner.from_cfg(cfg).test()


def test_the_runner_tests_a_leaf(tmp_path):
    """On the synthetic set, which has no files for NoCo to read."""
    cfg = Config.fromfile(CONFIGS / 'classical' / 'mpcm.py')
    synthetic = Config.fromfile(CONFIGS / '_base_/datasets/synthetic.py')
    cfg.test_dataloader = synthetic.test_dataloader
    cfg.test_dataloader.dataset.num_images = 4
    meta_keys = ('img_path', 'ori_shape', 'img_shape', 'img_padding_size')
    cfg.test_dataloader.dataset.pipeline = [
        dict(type='PackSegInputs', meta_keys=meta_keys)
    ]
    cfg.test_evaluator = cfg.test_evaluator[:2]
    scores = run_leaf(cfg, tmp_path)
    assert {'sirst/IoU', 'sirst/Pd', 'hse/HSE'} <= scores.keys()
    assert scores['sirst/Pd'] > 0


@pytest.fixture
def sirst_v2(tmp_path) -> Path:
    """The layout of SIRST-V2: three images, the last one without target."""
    root = tmp_path / 'sirst-v2'
    for folder in ('mixed', 'annotations/masks', 'splits'):
        (root / folder).mkdir(parents=True)
    y, x = np.mgrid[:64, :80]
    for i, column in enumerate((20, 50, None)):
        image, mask = 60 + x / 2, np.zeros((64, 80), np.uint8)
        if column:
            far = (y - 30) ** 2 + (x - column) ** 2
            image = image + 120 * np.exp(-far / 4)
            mask[far <= 4] = 255
        image = image.round().astype(np.uint8)
        cv2.imwrite(str(root / f'mixed/{i}.png'), image)
        mask_path = root / f'annotations/masks/{i}_pixels0.png'
        cv2.imwrite(str(mask_path), mask)
    (root / 'splits/test_full.txt').write_text('0\n1\n2\n')
    return root


def test_the_runner_tests_a_leaf_with_all_metrics(
    sirst_v2, tmp_path, monkeypatch
):
    monkeypatch.setenv('FDEP_SET', 'sirst-v2')
    cfg = Config.fromfile(CONFIGS / 'classical' / 'new_tophat.py')
    cfg.test_dataloader.dataset.data_root = str(sirst_v2)
    assert len(cfg.test_evaluator) == 3
    scores = run_leaf(cfg, tmp_path / 'out')
    pixels = {f'sirst/{key}' for key in ('IoU', 'nIoU', 'Pd', 'Fa')}
    nocoap = {f'sirst/NoCoAP{n}' for n in range(10, 100, 10)}
    expected = {*pixels, *nocoap, 'hse/HSE', 'sirst/mNoCoAP'}
    assert expected <= scores.keys()
    assert scores['sirst/Pd'] == 100 and scores['sirst/Fa'] == 0
    assert scores['sirst/IoU'] > 50 and scores['hse/HSE'] > 50
    # the ramp without target has no other peak
    assert scores['sirst/mNoCoAP'] == 1


@pytest.mark.parametrize('args', [(), ('none',)])
def test_the_tool_needs_no_checkpoint(args, sirst_v2, tmp_path, monkeypatch):
    monkeypatch.setenv('FDEP_DATA', str(tmp_path))
    monkeypatch.setenv('FDEP_SET', 'sirst-v2')
    config = CONFIGS / 'classical' / 'new_tophat.py'
    done = run_tool(
        *('test.py', config, *args, '--cfg-options'),
        'test_dataloader.num_workers=0',
        'test_dataloader.persistent_workers=False',
        cwd=tmp_path,
    )
    assert done.code == 0, done.log
    for key in ('sirst/IoU', 'sirst/mNoCoAP', 'hse/HSE'):
        assert f'{key}: ' in done.log


@pytest.mark.parametrize(
    ('args', 'message'),
    [
        ((), 'error: no checkpoint: .* only classical methods'),
        (('none',), "error: checkpoint 'none': no such file"),
    ],
)
def test_the_tool_demands_weights_of_networks(args, message, tmp_path):
    config = CONFIGS / 'alcnet/alcnet_1xb16-400e_sirst-v2-256x256.py'
    done = run_tool('test.py', config, *args, cwd=tmp_path)
    assert done.code == 2
    assert re.search(message, done.err.splitlines()[-1])


@pytest.mark.parametrize(
    ('method', 'accepted'), [('new_tophat', 34.9), ('mpcm', 21.5)]
)
def test_iou_on_nuaa_sirst(method, accepted, find_data, tmp_path):
    """What a second implementation gave, and what the README says."""
    root = find_data('NUAA-SIRST')
    cfg = Config.fromfile(CONFIGS / 'classical' / f'{method}.py')
    cfg.test_dataloader.dataset.data_root = str(root)
    cfg.test_evaluator = cfg.test_evaluator[0]
    found = run_leaf(cfg, tmp_path)['sirst/IoU']
    assert found == pytest.approx(accepted, abs=0.5)
    readme = (CONFIGS / 'classical' / 'README.md').read_text()
    table = readme[readme.index('NUAA-SIRST, 214 images:') :]
    row = re.search(rf'^\| `{method}` \| ([\d.]+) \|', table, re.M)
    assert found == pytest.approx(float(row[1]), abs=0.05)
