"""Another project inherits our configs: each way that README.md names."""

import json
import os

import pytest
from environments import run

PARENT = 'alcnet/alcnet_1xb16-400e_nuaa-sirst-256x256.py'
CHILD = """
_base_ = {base!r}
train_cfg = dict(max_epochs=7)
"""
SHOW = """
import json
from mmengine.config import Config
cfg = Config.fromfile('my config.py')
print(json.dumps([cfg.model.backbone.type, cfg.train_cfg.max_epochs]))
"""
FROM_PYTHON = """
import json
import fdep_mm
from mmengine.hub import get_config
cfg = get_config('fdep_mm::' + {parent!r})
cfg.train_cfg.max_epochs = 7
print(json.dumps([cfg.model.backbone.type, cfg.train_cfg.max_epochs]))
"""


@pytest.fixture(scope='module')
def config_root(installed):
    code = 'import fdep_mm; print(fdep_mm.CONFIG_ROOT)'
    return run(installed, '-c', code, cwd=installed.parent).splitlines()[-1]


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / 'some other project'
    folder.mkdir()
    return folder


@pytest.mark.parametrize('way', ['absolute', 'relative', 'variable'])
def test_base_of_another_project(installed, config_root, project, way):
    base = {
        'absolute': f'{config_root}/{PARENT}',
        'relative': f'{os.path.relpath(config_root, project)}/{PARENT}',
        'variable': '{{$FDEP_CONFIGS:}}/' + PARENT,
    }[way]
    (project / 'my config.py').write_text(CHILD.format(base=base))
    out = run(installed, '-c', SHOW, cwd=project, FDEP_CONFIGS=config_root)
    assert json.loads(out.splitlines()[-1]) == ['fdep_mm.ALCNetEncoder', 7]


def test_get_config_in_python(installed, project):
    code = FROM_PYTHON.format(parent=PARENT)
    out = run(installed, '-c', code, cwd=project)
    assert json.loads(out.splitlines()[-1]) == ['fdep_mm.ALCNetEncoder', 7]
