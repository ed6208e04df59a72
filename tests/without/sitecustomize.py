"""Hides the modules that FDEP_TEST_WITHOUT names from this process.

Python imports it when it starts, if its folder is in PYTHONPATH: so the tests'
child processes do without these modules, too.
"""

import os
import sys
from importlib.machinery import ModuleSpec, PathFinder

WITHOUT = os.environ.get('FDEP_TEST_WITHOUT', '').split(',')


class _PathFinder(PathFinder):
    """Finds installed modules, except those."""

    @classmethod
    def find_spec(cls, name: str, path=None, target=None) -> ModuleSpec | None:
        if name in WITHOUT:
            return None
        return super().find_spec(name, path, target)


if PathFinder in sys.meta_path:
    sys.meta_path[sys.meta_path.index(PathFinder)] = _PathFinder
