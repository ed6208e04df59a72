"""Imports only point down, and light modules stay light."""

import ast
import re
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / 'fdep_mm'
# from the ground up; MMEngine looks for fdep_mm/registry.py, a part of core
FLOORS = [
    *('version', 'zoo', 'registry', 'core', 'evaluation', 'visualization'),
    *('priors', 'datasets', 'models', 'detection', 'engine', 'study'),
    *('apis', 'deployment'),
]
LIGHT = [
    *('fdep_mm', 'fdep_mm.models.classical', 'fdep_mm.priors.writer'),
    'fdep_mm.datasets.converters',
]
HEAVY = ['matplotlib', 'timm', 'mmdet', 'mmseg.models', 'mmseg.datasets']


def imported(path: Path):
    """Parts of fdep_mm that a file imports, at its top or anywhere else."""
    package = ('fdep_mm', *path.relative_to(PACKAGE).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            modules = [alias.name.split('.') for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level]
            start = [*above, *(node.module or '').split('.')]
            base = start if node.level else start[len(above) :]
            modules = [[*filter(None, base), a.name] for a in node.names]
        else:
            continue
        yield from (m[1] for m in modules if m[0] == 'fdep_mm' and m[1:])


def test_imports_point_down():
    arrows = []
    for path in PACKAGE.rglob('*.py'):
        room = path.relative_to(PACKAGE).with_suffix('').parts[0]
        for other in imported(path) if room != '__init__' else ():
            up = FLOORS.index(other) > FLOORS.index(room)
            if (
                other in FLOORS
                and up
                and {room, other} != {'registry', 'core'}
            ):
                arrows.append(f'{path.relative_to(PACKAGE)} -> {other}')
    assert not arrows


def test_light_imports():
    code = (
        f'import sys, {", ".join(LIGHT)}; '
        f'assert not {{*{HEAVY}}} & {{*sys.modules}}'
    )
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_equations_are_where_contributing_says():
    page = PACKAGE.parent / '.github/CONTRIBUTING.md'
    _, _, table = page.read_text().partition('## Where the equations are')
    places = re.findall(r'((?:`\w+`[, ]*)*)(?:in )?`(\S+\.py)`', table)
    assert len(places) > 10
    for names, path in places:
        parsed = ast.parse((PACKAGE / path).read_text())
        documented = {
            node.name: ast.get_docstring(node)
            for node in parsed.body
            if isinstance(node, (ast.ClassDef, ast.FunctionDef))
        }
        assert ast.get_docstring(parsed)
        assert all(documented[n] for n in re.findall(r'\w+', names))
