"""tools/test.py --metric: both kinds of networks in one table."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from PIL import Image
from tool_runs import run_tool

from fdep_mm.registry import MODELS

ROOT = Path(__file__).parents[2]
SIRST_V2 = """
_base_ = {config!r}
v2 = dict(data_root='sirst-v2/', ann_file='split.txt')
test_dataloader = dict(
    num_workers=0, persistent_workers=False, dataset=v2)
"""


def run(config, weights, *options):
    result = run_tool('test.py', config, weights, *options, cwd=weights.parent)
    return result.code, result.log


def save_weights(config: Path, path: Path) -> Path:
    cfg = Config.fromfile(config)
    init_default_scope(cfg.default_scope)
    torch.save(MODELS.build(cfg.model).state_dict(), path)
    init_default_scope('mmseg')
    return path


@pytest.fixture
def acm(tmp_path):
    """The config for SIRST-V2 on two images, one of them without targets."""
    root = tmp_path / 'sirst-v2'
    for folder in ('mixed', 'annotations/masks'):
        (root / folder).mkdir(parents=True)
    (root / 'split.txt').write_text('a\nb\n')
    rng = np.random.default_rng(0)
    for name, value in (('a', 255), ('b', 0)):
        image, mask = rng.integers(50, 99, (64, 64)), np.zeros((64, 64))
        image[20:24, 30:35], mask[20:24, 30:35] = 200, value
        cv2.imwrite(str(root / 'mixed' / f'{name}.png'), image)
        path = root / 'annotations' / 'masks' / f'{name}_pixels0.png'
        Image.fromarray(mask.astype(np.uint8)).save(path)
    parent = ROOT / 'configs/acm/acm_1xb16-400e_sirst-v2-256x256.py'
    child = tmp_path / 'child.py'
    child.write_text(SIRST_V2.format(config=str(parent)))
    return child


def test_a_segmentation_host_is_scored_by_mnocoap(acm, tmp_path):
    weights = save_weights(acm, tmp_path / 'acm.pth')
    metric = ('--metric', 'type=fdep_mm.NoCoAPMetric')
    resumed = ('--cfg-options', 'resume=True')  # that of the training
    code, log = run(acm, weights, *metric, *resumed)
    assert code == 0, log
    for key in ('IoU', 'mNoCoAP', 'NoCoAP50'):
        assert f'sirst/{key}:' in log
    assert 'hse/HSE:' in log


def test_a_detector_is_scored_by_pd_and_fa(tmp_path):
    pytest.importorskip('mmdet.models')
    (config,) = (ROOT / 'configs/oscar').glob('*synthetic*.py')
    weights = save_weights(config, tmp_path / 'oscar.pth')
    code, log = run(
        config,
        weights,
        '--cfg-options',
        'test_dataloader.num_workers=0',
        'test_dataloader.persistent_workers=False',
        'test_dataloader.dataset.num_images=2',
        '--metric',
        'type=fdep_mm.BoxPdFaMetric',
        'targets=box',
        'threshold=0.01',
    )
    assert code == 0, log
    for key in ('mNoCoAP', 'Pd', 'Fa'):
        assert f'sirst/{key}:' in log


def test_a_second_metric_of_a_type_needs_a_prefix(acm, tmp_path):
    weights = save_weights(acm, tmp_path / 'acm.pth')
    metric = ('--metric', 'type=fdep_mm.SIRSTMetric', 'threshold=0.3')
    code, log = run(acm, weights, *metric)
    assert code == 2 and 'add prefix=NAME' in log.splitlines()[-1]
    code, log = run(acm, weights, *metric, 'prefix=low')
    assert code == 0, log
    assert 'sirst/IoU:' in log and 'low/IoU:' in log
    assert "'hse' with {'threshold': 0.5}, but 'low' has {'thr" in log


def test_a_metric_without_type(acm, tmp_path):
    code, log = run(acm, acm, '--metric', 'threshold=0.3')
    assert code == 2
    assert log.splitlines()[-1].startswith('error: --metric needs a type=')
