import importlib.util

import numpy as np
import pytest

from fdep_mm.datasets import SyntheticSIRSTDataset
from fdep_mm.datasets.check.sheet import arrange

RED = [0, 0, 255]


@pytest.fixture
def tool(repo):
    path = repo / 'tools/analysis_tools/contact_sheet.py'
    spec = importlib.util.spec_from_file_location('contact_sheet', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize('targets', [0, 2])
def test_sheet(tool, targets):
    dataset = SyntheticSIRSTDataset(
        5,
        img_size=(64, 96),
        num_targets=(targets, targets),
        pipeline=[dict(type='PackSegInputs')],
    )
    tiles = [tool.draw_tile(sample, 128) for sample in dataset]
    sheet = arrange(tiles, columns=3)
    assert sheet.shape == (256, 384, 3) and sheet.dtype == np.uint8
    red = (sheet == RED).all(-1)
    assert red.any() == (targets > 0)
    assert not sheet[128:, 256:].any()  # the sixth tile is blank
