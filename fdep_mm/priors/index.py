"""What a cache of priors was made of: ``index.json`` and a note per image."""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from torch import Tensor

INDEX_FILE = 'index.json'
FORMAT = 3
# In gray levels: decoders of JPEG files differ by less.
TOLERANCE = 0.25
# JSON that is none, too deep, or holds something else
BAD_JSON = (ValueError, TypeError, KeyError, AttributeError, RecursionError)


class PriorCacheError(RuntimeError):
    """An entry is missing, stale or damaged, or of another VFM."""


@dataclass
class CacheIndex:
    """Description of a cache.

    Attributes:
        vfm (dict): The VFM's record and ``weights_sha256``.
        layers (tuple[int]): Blocks or stages of the VFM, ascending.
        channels (tuple[int]): Channels of each layer's map, as stored.
        strides (tuple[int]): Stride of each at input scale 1.
        dtype (str): 'float16' or 'float32'.
        loading (list[str]): Transforms that loaded the images.
        pca (dict, optional): ``channels`` kept and ``explained``, the share
            of each layer's variance in them.
    """

    vfm: dict
    layers: tuple[int, ...]
    channels: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: str
    loading: list[str]
    pca: dict | None = None

    @property
    def input_scale(self) -> float:
        """Factor on height and width of the VFM's input."""
        return self.vfm['input_scale']

    @property
    def record(self) -> dict:
        """What maps of two caches must have in common."""
        return dict(self.vfm, pca=self.pca)

    @property
    def key(self) -> str:
        """What all files of a cache carry, and those of no other one."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    @classmethod
    def read(cls, folder: str | Path) -> 'CacheIndex':
        """Read the index of a cache.

        Raises:
            PriorCacheError: There is none, or it cannot be read.
        """
        path = Path(folder, INDEX_FILE)
        if not path.is_file():
            raise PriorCacheError(
                f'cache={str(folder)!r}: no file {INDEX_FILE} in it. Make the '
                'cache with tools/cache_priors.py CONFIG --out FOLDER and '
                'name that FOLDER'
            )
        try:
            record = json.loads(path.read_text('utf-8'))
            if (version := record.pop('format')) != FORMAT:
                raise ValueError(f'format {version}, {FORMAT} is known')
            for key in ('layers', 'channels', 'strides'):
                record[key] = tuple(record[key])
            return cls(**record)
        except BAD_JSON as error:
            raise PriorCacheError(
                f'{path}: damaged, or of another version of fdep_mm '
                f'({type(error).__name__}: {error}). Remove '
                'the folder and run tools/cache_priors.py again'
            ) from error

    def to_json(self) -> str:
        """The content of ``index.json``."""
        return json.dumps(dict(format=FORMAT, **asdict(self)), indent=1) + '\n'


def entry_name(img_path: str) -> str:
    """Name of an image in a cache; the same where the data was moved."""
    parts = [p for p in str(img_path).replace('\\', '/').split('/') if p]
    parts = [part.replace(':', '_') for part in parts if part != '..']
    return '/'.join(parts[-3:])


def map_file(folder: Path, img_path: str) -> Path:
    """Where a cache has the maps of an image."""
    return folder / 'maps' / f'{entry_name(img_path)}.safetensors'


def layer_key(layer: int) -> str:
    """Name of a layer's map in a file."""
    return f'layer_{layer}'


def image_note(img_path: str, img: np.ndarray, key: str) -> dict:
    """What tells whether an image, (H, W, C) as loaded, has changed.

    Returns:
        dict: ``key``, the cache's; ``size``, height and width in px; ``file``,
        its size in bytes and its time in whole seconds (some file systems
        keep no fractions), or None; ``levels``, mean and standard deviation
        of each channel, by which another way of loading shows.
    """
    try:
        found = os.stat(img_path)
        file = [found.st_size, int(found.st_mtime)]
    except OSError:
        file = None
    levels = np.concatenate(cv2.meanStdDev(img)).ravel().round(3).tolist()
    return dict(key=key, size=list(img.shape[:2]), file=file, levels=levels)


def metadata(note: dict) -> dict[str, str]:
    """A note as safetensors files have it."""
    # one text: several come in any order, and files would differ
    return dict(made_of=json.dumps(note))


def read_entry(
    path: Path, layers: Sequence[int] = ()
) -> tuple[dict, list[Tensor]]:
    """Note and maps of a file; a FileNotFoundError or a ValueError."""
    # not at the top: a process without priors does not need it
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, 'pt') as file:
            note = json.loads((file.metadata() or {}).get('made_of', ''))
            return note, [file.get_tensor(layer_key(i)) for i in layers]
    except FileNotFoundError:
        raise
    except (SafetensorError, OSError) as error:
        raise ValueError(str(error)) from error


def changed_part(then: dict, now: dict) -> str | None:
    """The first key of :func:`image_note` in which two notes differ."""
    for part in ('key', 'size', 'file'):
        if then[part] != now[part]:
            return part
    levels = [np.array(note['levels']) for note in (then, now)]
    same = levels[0].shape == levels[1].shape
    if same and np.abs(levels[0] - levels[1]).max() <= TOLERANCE:
        return None
    return 'levels'
