"""No source file runs, or unpacks, what is in another file."""

import ast
from pathlib import Path

import pytest

REPO = Path(__file__).parents[1]
SOURCES = sorted(
    path
    for folder in ('fdep_mm', 'tools')
    for path in REPO.glob(f'{folder}/**/*.py')
)
# What runs, or unpacks, what is in a file: modules, functions, methods.
MODULES = {
    '_pickle',
    'cPickle',
    'cloudpickle',
    'dill',
    'joblib',
    'jsonpickle',
    'lxml',
    'marshal',
    'pickle',
    'shelve',
}
HARMLESS = {'pickle.UnpicklingError'}
FUNCTIONS = {
    '__import__',
    'eval',
    'exec',
    'mmengine.Config.fromstring',
    'mmengine.config.Config.fromstring',
    'mmengine.fileio.load',
    'mmengine.load',
    'os.popen',
    'os.system',
    'torch.hub.load',
    'torch.jit.load',
    'yaml.load',
    'yaml.unsafe_load',
}
READERS = {'torch.load', 'torch.hub.load_state_dict_from_url'}
METHODS = {'extract', 'extractall', 'minidom', 'read_pickle', 'unpack_archive'}
XML = {'XML', 'fromstring', 'iterparse', 'parse'}


def imported(tree):
    """Name in a file -> what it is, as if imported in full."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.asname:
                    names[alias.asname] = alias.name
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                whole = f'{node.module}.{alias.name}'
                names[alias.asname or alias.name] = whole
    return names


def calls(path):
    """Full names of all that a file calls and imports."""
    tree = ast.parse(path.read_text())
    names = imported(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            first, dot, rest = ast.unparse(node.func).partition('.')
            yield f'{names.get(first, first)}{dot}{rest}', node
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            module = getattr(node, 'module', None) or ''
            for alias in node.names:
                yield f'{module}.{alias.name}'.lstrip('.'), node


def argument(call, name, place=99):
    """An argument of a call as text; None if it is not given."""
    if isinstance(call, ast.Call) and len(call.args) > place:
        return ast.unparse(call.args[place])
    keywords = getattr(call, 'keywords', ())  # imports have none
    return {k.arg: ast.unparse(k.value) for k in keywords}.get(name)


def risks(path):
    """Calls in a source file that could run what another file holds."""
    for name, call in calls(path):
        last = name.rpartition('.')[2]
        first = name.partition('.')[0]
        is_call = isinstance(call, ast.Call)
        if (
            (first in MODULES and name not in HARMLESS)
            or name in FUNCTIONS
            or last in METHODS
            or argument(call, 'allow_pickle') not in (None, 'False')
            or argument(call, 'shell') not in (None, 'False', '0')
        ):
            yield name
        elif name in READERS and is_call:
            # untrusted unless an environment variable says otherwise
            if argument(call, 'weights_only') not in ('True', 'not trusted()'):
                yield name
        elif name == 'numpy.load':
            if argument(call, 'allow_pickle', 2) not in (None, 'False'):
                yield name
        elif last in XML and is_call and 'etree' in name.lower():
            if not argument(call, 'parser'):
                yield name


def test_no_source_file_runs_what_is_in_another_file():
    assert len(SOURCES) > 100
    found = {
        str(path.relative_to(REPO)): names
        for path in SOURCES
        if (names := list(risks(path)))
    }
    assert found == {}


RISKS = [
    'import dill',
    'import pickle as p',
    'import shelve',
    'from pickle import loads',
    'from pickle import load as read',
    'from mmengine.fileio import load',
    'from torch.jit import load',
    'from xml.dom import minidom',
    'torch.load(path)',
    'torch.load(path, weights_only=False)',
    'torch.jit.load(path)',
    'torch.hub.load(place, name)',
    'torch.hub.load_state_dict_from_url(url)',
    'import torch as t; t.load(path)',
    'from torch import load; load(path)',
    'import numpy as np; np.load(path, allow_pickle=True)',
    'import numpy as np; np.load(path, None, True)',
    'import numpy; numpy.load(path, allow_pickle=flag)',
    'from numpy import load as read; read(path, None, 1)',
    'import mmengine; mmengine.load(path)',
    'import mmengine as m; m.load(path)',
    'import pandas as pd; pd.read_pickle(path)',
    'yaml.load(text)',
    'import yaml as y; y.unsafe_load(text)',
    'from mmengine.config import Config; Config.fromstring(text, ".py")',
    'import xml.etree.ElementTree as ET; ET.parse(path)',
    'import xml.etree.ElementTree; xml.etree.ElementTree.parse(path)',
    'from xml.etree import ElementTree; ElementTree.fromstring(text)',
    'from xml.etree import ElementTree as E; E.iterparse(path)',
    'from xml.etree.ElementTree import parse; parse(path)',
    'subprocess.run(text, shell=True)',
    'subprocess.run(text, shell=1)',
    'subprocess.run(text, shell=flag)',
    'from os import system as run; run(text)',
    'archive.extractall(folder)',
    'zipfile.ZipFile(path).extract(name)',
    'import shutil as s; s.unpack_archive(path)',
    '__import__("pickle")',
    'eval(text)',
]


@pytest.mark.parametrize('line', RISKS)
def test_the_search_finds_risks(line, tmp_path):
    path = tmp_path / 'risky.py'
    path.write_text(line)
    assert list(risks(path))


@pytest.mark.parametrize(
    'line',
    [
        'from pickle import UnpicklingError',
        'model.eval()',
        'yaml.safe_load(x)',
        'torch.load(path, weights_only=True)',
        'import numpy as np; np.load(path)',
        'import numpy as np; np.load(path, None, False)',
        'import ast; ast.parse(text)',
        'from xml.etree import ElementTree as E; E.parse(path, parser=safe)',
        'subprocess.run(command, shell=False)',
        'model.extract_feat(x)',
        'from .loading import load; load(path)',
    ],
)
def test_the_search_accepts_what_is_safe(line, tmp_path):
    path = tmp_path / 'safe.py'
    path.write_text(line)
    assert list(risks(path)) == []
