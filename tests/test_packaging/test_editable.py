"""An editable install links to the checkout, whichever way pip does it."""

import importlib.metadata
import importlib.util
import sys

import pytest
from environments import make_environment, pip, run

SETUPTOOLS = int(importlib.metadata.version('setuptools').split('.')[0])
PIP = tuple(int(n) for n in importlib.metadata.version('pip').split('.')[:2])
HAS_WHEEL = importlib.util.find_spec('wheel') is not None
WAYS = [
    pytest.param(
        ['--use-pep517'],
        id='pep517',
        marks=pytest.mark.skipif(
            SETUPTOOLS < 64, reason='setuptools 64 or newer makes these'
        ),
    ),
    pytest.param(
        ['--no-use-pep517'],
        id='develop',
        marks=pytest.mark.skipif(
            PIP >= (25, 3) or SETUPTOOLS >= 80 or not HAS_WHEEL,
            reason='pip, setuptools no longer do this',
        ),
    ),
]
LOOK = """
import fdep_mm, mmengine.hub
print(fdep_mm.__file__)
print(fdep_mm.CONFIG_ROOT)
print(mmengine.hub.get_config('fdep_mm::alcnet/probe.py').answer)
"""


@pytest.mark.parametrize('way', WAYS)
def test_editable_install_links(copy_checkout, tmp_path, way):
    checkout = copy_checkout(tmp_path)
    extension = checkout / 'fdep_mm' / '.mim'
    (extension / 'configs').mkdir(parents=True)
    (extension / 'configs' / 'stale.py').touch()
    python = make_environment(tmp_path / 'env')
    pip('--python', python, 'install', *way, '--editable', '.', cwd=checkout)

    assert {path.name for path in extension.iterdir()} == {
        'configs',
        'tools',
        'model-index.yml',
    }
    for path in extension.iterdir():
        assert path.is_symlink() and not path.readlink().is_absolute()
        assert path.resolve().is_relative_to(checkout)
    # A config written after the install is there at once.
    (checkout / 'configs/alcnet/probe.py').write_text('answer = 42\n')
    found = run(python, '-c', LOOK, cwd=tmp_path).splitlines()[-3:]
    assert found == [
        str(checkout / 'fdep_mm' / '__init__.py'),
        str(checkout / 'configs'),
        '42',
    ]


def test_checkout_works_without_an_install(repo, tmp_path):
    code = 'import fdep_mm; print(fdep_mm.CONFIG_ROOT)'
    out = run(sys.executable, '-c', code, cwd=tmp_path, PYTHONPATH=str(repo))
    assert out.splitlines()[-1] == str(repo / 'configs')
