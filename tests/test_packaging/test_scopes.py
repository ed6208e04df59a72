"""A fresh process finds fdep_mm's classes by name, without importing it."""

import sys

import pytest
from environments import run

NAMES = dict(
    MODELS='ALCNetEncoder',
    DATASETS='SIRSTDataset',
    TRANSFORMS='RandomDraw',
    METRICS='HSEMetric',
    HOOKS='HSEHook',
)
FIND = """
import sys
from mmengine.registry import DefaultScope
from {origin} import registry
assert 'fdep_mm' not in sys.modules
if {scope!r}:
    DefaultScope.get_instance('test', scope_name={scope!r})
for kind, name in {names!r}.items():
    found = getattr(registry, kind).get('fdep_mm.' + name)
    assert found is not None, (kind, name)
    assert found.__name__ == name
    print(found.__module__)
assert 'fdep_mm.detection' not in sys.modules
"""


@pytest.mark.parametrize(
    ('origin', 'scope'), [('mmengine', None), ('mmseg', 'mmseg')]
)
def test_classes_are_found(tmp_path, repo, origin, scope):
    code = FIND.format(origin=origin, scope=scope, names=NAMES)
    out = run(sys.executable, '-c', code, cwd=tmp_path, PYTHONPATH=str(repo))
    modules = [m for m in out.splitlines() if m.startswith('fdep_mm.')]
    assert len(modules) == len(NAMES)
