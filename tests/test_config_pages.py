"""Code of the pages below configs/ runs; the configs they name load."""

import re
import shlex
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config

ROOT = Path(__file__).parents[1]
PAGES = sorted(ROOT.glob('configs/**/*.md'))


def blocks(kind, *pages):
    return [
        block
        for page in pages
        for block in re.findall(
            rf'```{kind}\n(.*?)```', page.read_text(), re.S
        )
    ]


def named_configs():
    lines = '\n'.join(blocks('bash', ROOT / 'README.md', *PAGES))
    words = shlex.split(lines.replace('\\\n', ' '), comments=True)
    return sorted({w for w in words if re.fullmatch(r'configs/.*\.py', w)})


@pytest.mark.parametrize('name', named_configs())
def test_configs_of_commands_load(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    if '_r18_' in name or '_r50_' in name:
        pytest.importorskip('mmdet.models', reason='a config of a detector')
    found = sorted(Path().glob(name))
    assert found
    assert all('model' in Config.fromfile(path) for path in found)


@pytest.fixture
def copy(tmp_path):
    """Write a block beside the configs of a folder and read it."""
    shutil.copytree(
        ROOT / 'configs',
        tmp_path / 'configs',
        ignore=shutil.ignore_patterns('studies', '*.md'),
    )

    def read(folder, block):
        path = tmp_path / 'configs' / folder / 'block.py'
        path.write_text(block)
        return Config.fromfile(path)

    return read


def test_fdep_configs(copy):
    detector, cached, faster = blocks(
        'python', ROOT / 'configs/fdep/README.md'
    )
    cfg = copy('fdep', cached)
    steps = [s['type'] for s in cfg.train_dataloader.dataset.pipeline]
    assert steps[2] == 'fdep_mm.LoadPrior'
    assert steps[-1] == 'fdep_mm.PackPriorInputs'
    assert cfg.model.vfm.cache == 'priors/nuaa'
    base = re.match(r'_base_ = .*\n', cached)[0]
    cfg = copy('fdep', base + faster)
    assert cfg.model.vfm.amp_dtype == 'bfloat16'
    pytest.importorskip('mmdet.models', reason='FCOS is a detector of mmdet')
    cfg = copy('fdep', detector)
    assert cfg.model.type == 'fdep_mm.COISDDetector'
    assert cfg.model.bbox_head.type == 'FCOSHead'


def test_scores_of_arrays():
    page = ROOT / 'configs/README.md'
    (block,) = [b for b in blocks('python', page) if 'evaluate_masks' in b]
    masks = [np.eye(9, dtype=bool), np.eye(7, 12, dtype=bool)]
    names = dict(probs=masks, masks=masks)
    exec(block, names)
    assert names['scores']['IoU'] == 1


def test_classical_methods(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    image = np.full((64, 64), 20, np.uint8)
    image[30:33, 40:43] = 220
    Path('images').mkdir()
    cv2.imwrite('images/a.png', image)
    (block,) = blocks('python', ROOT / 'configs/classical/README.md')
    names = dict(image=image)
    exec(block, names)
    assert names['score'].argmax() // 64 in range(30, 33)
    (frame, *_) = Path('out/targets.csv').read_text().splitlines()[1:]
    assert frame.startswith('a,0,41.0,31.0,')
