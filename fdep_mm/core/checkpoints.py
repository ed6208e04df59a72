"""Checkpoints of MMEngine, read without running what is in them.

With ``weights_only=True`` torch reads no objects but those of a list. A
checkpoint of MMEngine holds smoothed losses as NumPy arrays. MMEngine 0.10.7
does not list them and so cannot read its own files; OneDL's falls back to
reading everything, and unpickles downloads. So ``import fdep_mm`` has MMEngine
read files and S3 by :func:`read_checkpoint`, and URLs by :func:`load_url`: to
train, resume and test.
"""

import io
import os
import re
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from pickle import UnpicklingError
from urllib.parse import urlparse

import numpy as np
import torch
from mmengine.fileio import get_local_path
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader, checkpoint

from fdep_mm import zoo

from .whole import write_whole

# Weights of FDEP's networks that only training has.
TRAINING_ONLY = ('samf.', 'vfm.')
# Methods that a pickled HistoryBuffer names.
STATISTICS = ('min', 'max', 'current', 'mean')
# Set to 1, files may run whatever they like.
TRUST = 'FDEP_MM_TRUST_CHECKPOINTS'


def statistic(owner: type, name: str) -> Callable:
    """Stands for ``getattr`` in checkpoints, which could reach anything."""
    if owner is not HistoryBuffer or name not in STATISTICS:
        raise UnpicklingError(
            f'the file asks for {name!r} of {owner!r}, not for a statistic '
            'of HistoryBuffer'
        )
    return getattr(owner, name)


def _stand_in(function: Callable, module: str, name: str) -> Callable:
    """What torch calls where a file names `name` of `module`.

    Pairs of a function and its other name are not known to all versions.
    """

    def call(*args: object) -> object:
        return function(*args)

    call.__module__ = module
    call.__name__ = call.__qualname__ = name
    return call


@cache  # torch's list grows by what is new
def mmengine_globals() -> list:
    """For :func:`torch.serialization.add_safe_globals`."""
    arrays = (np._core if hasattr(np, '_core') else np.core).multiarray
    kinds = (np.bool_, np.int32, np.int64, np.float32, np.float64)
    return [
        HistoryBuffer,
        np.dtype,
        np.ndarray,
        _stand_in(statistic, 'builtins', 'getattr'),
        *(
            # as NumPy 1 called the module, and as NumPy 2 does
            _stand_in(getattr(arrays, name), f'numpy.{core}.multiarray', name)
            for core in ('core', '_core')
            for name in ('_reconstruct', 'scalar')
        ),
        *(type(np.dtype(kind)) for kind in kinds),
    ]


def allow_mmengine_checkpoints() -> None:
    """Have ``torch.load`` read MMEngine's files with ``weights_only``."""
    if hasattr(torch.serialization, 'add_safe_globals'):  # torch >= 2.4
        torch.serialization.add_safe_globals(mmengine_globals())


def read_checkpoint(
    path: str | os.PathLike, map_location: object = 'cpu'
) -> object:
    """Read tensors, numbers, text and MMEngine's records, nothing else.

    Before torch 2.4, files with records, as trainings write them, are refused.
    Before torch 2.6, the first call warns.

    Args:
        path (str | PathLike): A local file, a URL that MMEngine's file
            backends know, or the name of a network in :mod:`fdep_mm.zoo`.

    Returns:
        object: What is in the file; of a safetensors file a dict of
        ``state_dict`` and ``meta``, as MMEngine has it.

    Raises:
        FileNotFoundError: There is no such file or network.
        pickle.UnpicklingError: It holds something else, or is damaged.
    """
    path = zoo.resolve(path)
    # not the context manager safe_globals, which at its end removes entries
    # that were there before
    allow_mmengine_checkpoints()
    with (
        _refusing(path),
        get_local_path(os.path.expanduser(path)) as local,
    ):
        if str(path).endswith('.safetensors'):
            return _read_safetensors(local)
        return _read_pickled(local, map_location)


def _read_pickled(path: str | os.PathLike, map_location: object) -> object:
    if not trusted():
        _warn_of_old_torch()
        _refuse_compressed(path)
    return torch.load(  # noqa: TID251
        path, map_location=map_location, weights_only=not trusted()
    )


@cache
def _warn_of_old_torch() -> None:
    if torch.__version__ < (2, 6):
        warnings.warn(
            f'torch {torch.__version__} can be made to run code in a '
            'checkpoint: install 2.6 or newer, or read no files of strangers',
            stacklevel=3,
        )


def _refuse_compressed(path: str | os.PathLike) -> None:
    """torch reads compressed files but writes none: 1 MB may become 1 GB."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as file:
            for entry in file.infolist():
                if entry.compress_type != zipfile.ZIP_STORED:
                    raise ValueError(f'{entry.filename} in it is compressed')


def write_checkpoint(path: str | os.PathLike, content: dict) -> None:
    """Write a file whole or not at all; OSError says what to do."""
    file = io.BytesIO()
    torch.save(content, file)
    write_whole(path, file.getvalue(), 'run again')


def trusted() -> bool:
    """Whether the user lets files run what they like."""
    return os.environ.get(TRUST) == '1'


@contextmanager
def _refusing(path: str | os.PathLike) -> Iterator[None]:
    """Say why a file is refused, without torch's advice to run it."""
    try:
        yield
    except (OSError, ImportError):
        raise
    except Exception as error:  # rubbish raises any type
        raise UnpicklingError(
            f'{path}: damaged, or holds more than weights and the records of '
            f'MMEngine ({_reason(error)}), which may be an attack. Name '
            'another file, or save its state_dict alone where it was made; '
            f'if you trust it like a program, set {TRUST}=1'
        ) from None


# '' gets paths and names, which no other scheme takes
@CheckpointLoader.register_scheme(
    ['', r'(\S+\:)?s3://', r'(\S+\:)?petrel://'], force=True
)
def load_from_file(filename: str, map_location: object = None) -> object:
    """MMEngine calls this and names it in its log."""
    return read_checkpoint(filename, map_location)


def load_url(
    url: str,
    model_dir: str | None = None,
    map_location: object = None,
    progress: bool = True,
) -> object:
    """MMEngine calls this for http://, torchvision:// and the like."""
    folder = Path(model_dir or f'{torch.hub.get_dir()}/checkpoints')
    file = folder / Path(urlparse(url).path).name
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(file), progress=progress)
    with _refusing(url):
        return _read_pickled(file, map_location)


checkpoint.load_url = load_url


def weights_of(checkpoint: dict) -> dict:
    """State dict of a checkpoint, with the names of an unwrapped network."""
    state = checkpoint.get('state_dict', checkpoint)
    return {key.removeprefix('module.'): v for key, v in state.items()}


def compare_weights(
    own: dict, given: dict, every: bool = True, only: bool = True
) -> list[str]:
    """Say how the state dict of a file does not fit that of a network.

    Args:
        every (bool): Whether all weights of the network must be in the file,
            or one of them at least.
        only (bool): Whether all weights of the file must be in the network.
    """
    missing = own.keys() - given.keys()
    reshaped = [
        key
        for key in own.keys() & given.keys()
        if own[key].shape != getattr(given[key], 'shape', None)
    ]
    found = {
        'weights of the network are not in it': (
            missing if every or len(missing) == len(own) else []
        ),
        'of its weights are not in the network': (
            given.keys() - own.keys() if only else []
        ),
        'weights have another shape': reshaped,
    }
    problems = [
        f'{len(keys)} {text}, such as {min(keys)!r}'
        for text, keys in found.items()
        if keys
    ]
    if reshaped:
        two = (given[min(reshaped)], own[min(reshaped)])
        shapes = (list(getattr(one, 'shape', ())) for one in two)
        problems[-1] += ': {}, the network has {}'.format(*shapes)
    return problems


def _reason(error: Exception) -> str:
    """What torch found, without its advice."""
    text = str(error).rpartition('WeightsUnpickler error:')[2].strip()
    return re.split(r'\.\s|\n', text or type(error).__name__)[0]


def _read_safetensors(path: str) -> dict:
    from safetensors import safe_open  # not all who train have it

    with safe_open(path, 'pt') as file:
        state = {key: file.get_tensor(key) for key in file.keys()}
        return dict(state_dict=state, meta=file.metadata() or {})


allow_mmengine_checkpoints()
