"""A wheel carries everything, asks for little, and trains on its own."""

import json
import os
import re
import sys
import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest
from environments import run

TINY = {
    'train_cfg.max_epochs': 1,
    'train_cfg.val_interval': 1,
    'train_dataloader.dataset.num_images': 4,
    'val_dataloader.dataset.num_images': 2,
    'train_dataloader.num_workers': 0,
    'train_dataloader.persistent_workers': False,
    'val_dataloader.num_workers': 0,
    'val_dataloader.persistent_workers': False,
    'work_dir': 'my runs',
}
PAGE = Path(__file__).parents[2] / 'configs/README.md'
BLOCKS = re.findall(r'```python\n(.*?)```', PAGE.read_text(), re.S)
MADE = 'alcnet/alcnet_1xb16-12e_synthetic-128x128.py'
(CHILD,) = [block for block in BLOCKS if '$FDEP_CONFIGS' in block]
VARIABLE, PARENT = re.search(r"'(.*?:}})/(.*)'", CHILD).groups()
(GET,) = [block for block in BLOCKS if 'get_config' in block]
SHOW = """
import json
from mmengine.config import Config
from mmengine.runner import Runner
configs = [Config.fromfile(f'{{way}}.py') for way in {ways!r}]
{get}
print(fdep_mm.CONFIG_ROOT)
configs.append(cfg)
for cfg in configs:
    print(json.dumps([cfg.model.backbone.type, cfg.train_cfg.max_epochs]))
cfg = Config.fromfile(fdep_mm.CONFIG_ROOT + '/' + {made!r})
cfg.merge_from_dict({tiny!r})
Runner.from_cfg(cfg).train()
"""


@pytest.fixture(scope='module')
def names(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def _tracked(repo: Path, folder: str) -> set[str]:
    return {
        path.relative_to(repo).as_posix()
        for path in (repo / folder).rglob('*')
        if path.is_file() and '__pycache__' not in path.parts
    }


def test_wheel_carries_configs_tools_and_index(names, repo):
    expected = _tracked(repo, 'configs') | _tracked(repo, 'tools')
    carried = {
        name.removeprefix('fdep_mm/.mim/')
        for name in names
        if name.startswith('fdep_mm/.mim/')
    }
    assert carried == expected | {'model-index.yml'}


def test_wheel_carries_all_modules_and_the_licence(names, repo):
    modules = {
        name
        for name in _tracked(repo, 'fdep_mm')
        if name.endswith('.py') and '.mim' not in name
    }
    assert modules == {
        name for name in names if name.endswith('.py') and '.mim' not in name
    }
    assert any(name.endswith('/LICENSE') for name in names)


def test_wheel_carries_trained_networks_and_examples(names, repo):
    carried = {name for name in names if name.startswith('fdep_mm/zoo/')}
    assert carried == _tracked(repo, 'fdep_mm/zoo')
    assert 'fdep_mm/zoo/examples/scene_00.png' in carried


def test_wheel_holds_nothing_of_an_earlier_build(names):
    assert not [n for n in names if 'stale' in n or n.endswith('.pyc')]
    assert {name.split('/')[0].split('-')[0] for name in names} == {'fdep_mm'}


def test_wheel_leaves_the_stack_to_the_user(wheel, repo):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith('/METADATA'))
        metadata = message_from_bytes(archive.read(name))
    assert set(metadata.get_all('Requires-Dist')) == {
        'matplotlib',
        'numpy',
        'packaging',
        'pillow',
        'prettytable',
        'scipy',
    }
    assert metadata['Requires-Python'] == '>=3.11'
    assert f"'{metadata['Version']}'" in (
        repo / 'fdep_mm/version.py'
    ).read_text(encoding='utf-8')


def test_source_distribution_can_build_the_wheel(copy_checkout, tmp_path):
    checkout = copy_checkout(tmp_path)
    run(sys.executable, 'setup.py', '-q', 'sdist', cwd=checkout)
    (path,) = (checkout / 'dist').glob('*.tar.gz')
    with tarfile.open(path) as archive:
        names = {name.partition('/')[2] for name in archive.getnames()}
    needed = _tracked(checkout, 'configs') | _tracked(checkout, 'tools')
    assert needed | {'LICENSE', 'README.md', 'setup.py'} <= names


@pytest.fixture(scope='module')
def printed(installed, tmp_path_factory):
    """What another project prints: its configs, and an epoch's log."""
    project = tmp_path_factory.mktemp('some other project')
    root = _installed_configs(installed)
    ways = {
        'absolute': str(root),
        'relative': os.path.relpath(root, project),
        'variable': VARIABLE,
    }
    for way, base in ways.items():
        (project / f'{way}.py').write_text(CHILD.replace(VARIABLE, base))
    code = SHOW.format(ways=[*ways], get=GET, made=MADE, tiny=TINY)
    # one process for all: it takes seconds to start
    log = run(installed, '-c', code, cwd=project, FDEP_CONFIGS=str(root))
    assert (project / 'my runs' / 'epoch_1.pth').is_file(), log
    return log


def _installed_configs(python: Path) -> Path:
    name = 'lib/python*/site-packages/fdep_mm/.mim/configs'
    (root,) = python.parents[1].resolve().glob(name)
    return root


def test_config_root_is_the_installed_copy(installed, printed):
    root = _installed_configs(installed)
    assert str(root) in printed.splitlines()
    assert (root / 'model-index.yml').is_file()


def test_installed_wheel_trains_from_its_own_configs(printed):
    assert 'sirst/IoU' in printed


def test_bases_of_another_project(printed):
    """In each of the ways that configs/README.md names."""
    lines = [x for x in printed.splitlines() if x.startswith('["fdep_mm.')]
    *found, plain = map(json.loads, lines)
    assert found == [['fdep_mm.ALCNetEncoder', 100]] * 3
    assert plain == ['fdep_mm.ALCNetEncoder', 400]
