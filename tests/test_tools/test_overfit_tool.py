"""tools/analysis_tools/overfit.py on images of the test's own."""

import re
import runpy

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope
from tool_runs import TOOLS, run_tool

TOOL = TOOLS / 'analysis_tools/overfit.py'
CONFIG = """
_base_ = {parent!r}
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='fdep_mm.SIRSTDataset',
        data_root={root!r},
        data_prefix=dict(img_path='images', seg_map_path='masks')))
"""
LINE = re.compile(
    r'^tiny: IoU [01]\.\d{3} on 2 images of 64x64 after 2 steps, \d+ s$',
    re.MULTILINE,
)


@pytest.fixture
def config(tmp_path, repo):
    """Three images of 90x80 px; the first has no target."""
    rng = np.random.default_rng(0)
    for folder in ('images', 'masks'):
        (tmp_path / folder).mkdir()
    for i in range(3):
        mask = np.zeros((90, 80), np.uint8)
        mask[60 : 60 + 8 * i, 50:62] = 255
        image = rng.integers(30, 60, mask.shape, np.uint8) + mask // 2
        cv2.imwrite(str(tmp_path / f'images/{i}.png'), image)
        cv2.imwrite(str(tmp_path / f'masks/{i}.png'), mask)
    parent = repo / 'configs/acm/acm_1xb16-400e_nuaa-sirst-256x256.py'
    path = tmp_path / 'tiny.py'
    path.write_text(CONFIG.format(parent=str(parent), root=str(tmp_path)))
    return path


def run(config, *options):
    args = '--images 2 --size 64 --steps 2'.split()
    return run_tool(TOOL, config, *args, *options)


def test_two_steps(config):
    assert len(LINE.findall(run(config, '--iou', 0).out)) == 1


def test_a_network_that_did_not_learn_is_named(config):
    code, out, err = run(config)
    assert (code, err) == (1, 'error: IoU below 0.9: tiny\n')
    assert len(LINE.findall(out)) == 1


def test_crops_hold_the_targets_and_are_learned(config):
    tool = runpy.run_path(str(TOOL))
    cfg = Config.fromfile(config)
    init_default_scope(cfg.default_scope)
    batch = tool['crops_with_target'](cfg, 2, 64, 1)
    assert [x.shape for x in batch['inputs']] == [(3, 64, 64)] * 2
    masks = [s.gt_sem_seg.data for s in batch['data_samples']]
    assert [m.sum() for m in masks] == [96, 192]
    cfg.optim_wrapper.optimizer.lr = 0.01
    assert tool['overfit'](cfg, batch, 40, 0) > 0.6


def test_too_few_targets(config):
    message = 'error: only 1 training images have targets of 100 px: give'
    assert run(config, '--min-area', 100).err.startswith(message)
