"""Checkpoints of MMEngine, read without running what is in them.

torch reads files with ``weights_only=True`` unless told otherwise, that is,
no object but those of a list. A checkpoint of MMEngine has smoothed losses in
it, as NumPy arrays. MMEngine 0.10.7 does not put them on the list, so that it
could not read its own checkpoints; OneDL's has a list of its own, but takes
everything if that does not do.
"""

import ast
import os

import numpy as np
import torch
from mmengine.config import Config
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader
from mmengine.utils import import_modules_from_strings

# Weights of FDEP's networks that only training has.
TRAINING_ONLY = ('samf.', 'vfm.')


def mmengine_globals() -> list:
    """For :func:`torch.serialization.add_safe_globals`.

    Returns:
        list: Types and functions in MMEngine's checkpoints.
    """
    core = np._core if hasattr(np, '_core') else np.core
    kinds = (np.bool_, np.int32, np.int64, np.float32, np.float64)
    return [
        HistoryBuffer,
        np.dtype,
        np.ndarray,
        core.multiarray._reconstruct,
        core.multiarray.scalar,
        getattr,  # of HistoryBuffer's methods; what it gives is not called
        *(type(np.dtype(kind)) for kind in kinds),
    ]


def allow_mmengine_checkpoints() -> None:
    """Have ``torch.load(..., weights_only=True)`` read MMEngine's files."""
    if hasattr(torch.serialization, 'add_safe_globals'):  # torch >= 2.4
        torch.serialization.add_safe_globals(mmengine_globals())


def read_checkpoint(path: str | os.PathLike) -> object:
    """Read tensors, numbers, text and MMEngine's records, nothing else.

    torch before 2.4 has no such list: MMEngine's loader is used, which
    unpickles whatever there is.

    Args:
        path (str | PathLike): A local file.

    Returns:
        object: What is in the file; tensors on the CPU.

    Raises:
        pickle.UnpicklingError: It holds something else, or is damaged.
    """
    if not hasattr(torch.serialization, 'add_safe_globals'):  # < 2.4
        return CheckpointLoader.load_checkpoint(str(path), map_location='cpu')
    # not the context manager safe_globals: at its end it takes away what
    # was on the list before, too
    allow_mmengine_checkpoints()
    return torch.load(path, map_location='cpu', weights_only=True)


def read_config_text(text: str) -> Config:
    """Config of a checkpoint's ``meta``, without running it as Python.

    Args:
        text (str): Assignments of literals and ``dict(...)``, which is what
            MMEngine writes.

    Returns:
        Config: What ``Config.fromstring`` gives, which would run anything.
        Modules of ``custom_imports`` are imported.

    Raises:
        ValueError: There is anything else in it.
    """
    settings = {}
    for node in ast.parse(text).body:
        if not isinstance(node, ast.Assign) or len(node.targets) != 1:
            raise ValueError(_not_a_setting(node))
        settings[ast.unparse(node.targets[0])] = _value(node.value)
    cfg = Config(settings)
    if cfg.get('custom_imports'):
        import_modules_from_strings(**cfg.custom_imports)
    return cfg


def _value(node: ast.expr) -> object:
    if isinstance(node, ast.Call) and ast.unparse(node.func) == 'dict':
        if not node.args and all(k.arg for k in node.keywords):
            return {k.arg: _value(k.value) for k in node.keywords}
    elif isinstance(node, ast.Dict) and all(node.keys):
        keys = map(_value, node.keys)
        return dict(zip(keys, map(_value, node.values), strict=True))
    elif isinstance(node, ast.List):
        return [_value(item) for item in node.elts]
    elif isinstance(node, ast.Tuple):
        return tuple(_value(item) for item in node.elts)
    elif isinstance(node, ast.Call) and ast.unparse(node) in (
        "float('inf')",
        "float('-inf')",
        "float('nan')",
    ):
        return float(node.args[0].value)
    try:
        return ast.literal_eval(node)
    except ValueError:
        raise ValueError(_not_a_setting(node)) from None


def _not_a_setting(node: ast.AST) -> str:
    return (
        f'the config in the checkpoint is more than settings: '
        f'{ast.unparse(node)[:80]!r}. Name a config file that you trust'
    )
