"""Checkpoints of MMEngine, read without running what is in them.

torch reads files with ``weights_only=True`` unless told otherwise, that is,
no object but those of a list. A checkpoint of MMEngine has smoothed losses in
it, as NumPy arrays. MMEngine 0.10.7 does not put them on the list, so that it
could not read its own checkpoints; OneDL's has a list of its own, but takes
everything if that does not do.
"""

import os
from collections.abc import Callable
from pickle import UnpicklingError

import numpy as np
import torch
from mmengine.fileio import get_local_path
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader
from mmengine.runner.checkpoint import load_from_local

from fdep_mm import zoo

# Weights of FDEP's networks that only training has.
TRAINING_ONLY = ('samf.', 'vfm.')
# Methods that a pickled HistoryBuffer names.
STATISTICS = ('min', 'max', 'current', 'mean')


def statistic(owner: type, name: str) -> Callable:
    """What ``getattr`` is for in checkpoints, and no more.

    The real one would lead from any allowed function to all of Python.

    Args:
        owner (type): HistoryBuffer.
        name (str): One of its statistics.

    Returns:
        Callable: The method.

    Raises:
        pickle.UnpicklingError: It is anything else.
    """
    if owner is not HistoryBuffer or name not in STATISTICS:
        raise UnpicklingError(
            f'the file asks for {name!r} of {owner!r}; a checkpoint of '
            'MMEngine asks only for the statistics of HistoryBuffer'
        )
    return getattr(owner, name)


# torch calls it where a file names this; pairs of a function and the name it
# stands for are not known to all versions
statistic.__module__ = 'builtins'
statistic.__name__ = statistic.__qualname__ = 'getattr'


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
        statistic,
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
        path (str | PathLike): A local file, a URL that MMEngine's file
            backends know, or the name of a network in :mod:`fdep_mm.zoo`.

    Returns:
        object: What is in the file; tensors on the CPU. Of a safetensors
        file a dict as MMEngine's, ``state_dict`` and ``meta``.

    Raises:
        FileNotFoundError: There is no such file or network.
        pickle.UnpicklingError: It holds something else, or is damaged.
        safetensors.SafetensorError: It is a damaged safetensors file.
    """
    path = zoo.resolve(path)
    if not hasattr(torch.serialization, 'add_safe_globals'):  # < 2.4
        return CheckpointLoader.load_checkpoint(str(path), map_location='cpu')
    # not the context manager safe_globals: at its end it takes away what
    # was on the list before, too
    allow_mmengine_checkpoints()
    with get_local_path(path) as local:
        if str(path).endswith('.safetensors'):
            return _read_safetensors(local)
        return torch.load(local, map_location='cpu', weights_only=True)


# A path has a folder or a suffix; MMEngine's other schemes have a colon.
@CheckpointLoader.register_scheme(
    [r'[\w-]+$', r'.*\.safetensors$'], force=True
)
def load_from_zoo(filename: str, map_location: object = None) -> object:
    """MMEngine's ``load_from`` of names and safetensors files.

    Args:
        filename (str): A file, or the name of a network in
            :mod:`fdep_mm.zoo`.
        map_location (object): As of :func:`torch.load`; not for safetensors,
            whose tensors stay on the CPU.

    Returns:
        object: The checkpoint.

    Raises:
        FileNotFoundError: There is no such file or network.
    """
    path = zoo.resolve(filename)
    if path.endswith('.safetensors'):
        return _read_safetensors(path)
    return load_from_local(path, map_location)


def _read_safetensors(path: str) -> dict:
    from safetensors import safe_open  # not all who train have it

    with safe_open(path, 'pt') as file:
        state = {key: file.get_tensor(key) for key in file.keys()}
        return dict(state_dict=state, meta=file.metadata() or {})
