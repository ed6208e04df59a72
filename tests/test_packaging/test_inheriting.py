"""Another project inherits our configs: each way that README.md names."""

import json
import os

from environments import run

PARENT = 'alcnet/alcnet_1xb16-400e_nuaa-sirst-256x256.py'
CHILD = """
_base_ = {base!r}
train_cfg = dict(max_epochs=7)
"""
SHOW = """
import json
from mmengine.config import Config
from mmengine.hub import get_config
configs = [Config.fromfile(f'{{way}}.py') for way in {ways!r}]
import fdep_mm
configs.append(get_config('fdep_mm::' + {parent!r}))
for cfg in configs:
    print(json.dumps([cfg.model.backbone.type, cfg.train_cfg.max_epochs]))
"""


def test_bases_of_another_project(installed, config_root, tmp_path):
    root = str(config_root)
    project = tmp_path / 'some other project'
    project.mkdir()
    ways = {
        'absolute': f'{root}/{PARENT}',
        'relative': f'{os.path.relpath(root, project)}/{PARENT}',
        'variable': '{{$FDEP_CONFIGS:}}/' + PARENT,
    }
    for way, base in ways.items():
        (project / f'{way}.py').write_text(CHILD.format(base=base))
    code = SHOW.format(ways=[*ways], parent=PARENT)
    out = run(installed, '-c', code, cwd=project, FDEP_CONFIGS=root)
    *found, plain = map(json.loads, out.splitlines()[-4:])
    assert found == [['fdep_mm.ALCNetEncoder', 7]] * 3
    assert plain == ['fdep_mm.ALCNetEncoder', 400]
