"""Tools, run in the process of the tests: starting another takes seconds."""

import io
import logging
import os
import runpy
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

from mmengine.registry import init_default_scope
from mmengine.utils import ManagerMixin

TOOLS = Path(__file__).parents[1] / 'tools'


class Done(NamedTuple):
    """How a tool ended: exit code, and what it printed on both streams."""

    code: int
    out: str
    err: str

    @property
    def log(self) -> str:
        """Both streams."""
        return self.out + self.err


def run_tool(tool: str | Path, *arguments: object, cwd: Path = '.') -> Done:
    """Run a tool as its command line does.

    Args:
        tool (str or Path): Script, from the folder of tools.
        *arguments: Words of the command line.
        cwd (Path): Folder to run in.

    Returns:
        Done: How it ended. Errors that would print a traceback are raised.
    """
    path = TOOLS / tool
    out, err = io.StringIO(), io.StringIO()
    with (
        patch.dict(os.environ),
        patch.object(sys, 'argv', [str(path), *map(str, arguments)]),
        patch.object(sys, 'path', [str(path.parent), *sys.path]),
        chdir(cwd),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        code = 0
        _forget(ManagerMixin)
        try:
            runpy.run_path(str(path), run_name='__main__')
        except SystemExit as stop:
            code = stop.code or 0
            if isinstance(code, str):
                print(code, file=sys.stderr)
                code = 1
        finally:
            _forget(ManagerMixin)
            init_default_scope('mmseg')  # a detector's run leaves mmdet's
            logging.disable(logging.NOTSET)  # export_onnx.py disables it
    return Done(code, out.getvalue(), err.getvalue())


def _forget(kind: type[ManagerMixin]) -> None:
    """Drop loggers and visualizers, which write to the files of one run."""
    kind._instance_dict.clear()
    for other in kind.__subclasses__():
        _forget(other)
