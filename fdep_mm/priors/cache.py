"""Reading priors of a cache, each checked once by every process."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from torch import Tensor

from .errors import PriorCacheError
from .index import (
    CacheIndex,
    Entry,
    file_sha256,
    grey_levels,
    image_hash,
    image_name,
)

AGAIN = 'Run tools/cache_priors.py again: it makes this entry anew'
# Of grey levels: decoders of JPEG files differ by less.
TOLERANCE = 0.25


def layer_key(layer: int) -> str:
    """Name of a layer's map in a file."""
    return f'layer_{layer}'


class PriorCache:
    """A folder of priors.

    Args:
        folder (str | Path): The cache.

    Attributes:
        index (CacheIndex): What it holds.

    Raises:
        PriorCacheError: It has no readable index.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.index = CacheIndex.read(folder)
        self._checked: dict[str, tuple] = {}

    def read(
        self, img_path: str, img: np.ndarray, layers: Sequence[int]
    ) -> list[Tensor]:
        """Read the prior of an image.

        Args:
            img_path (str): Path of its file, or its name.
            img (np.ndarray): (H, W, C), as loaded and not yet changed.
            layers (Sequence[int]): Whose maps.

        Returns:
            list[Tensor]: Maps of the full image, each (C, h, w).

        Raises:
            PriorCacheError: The entry is missing, stale or damaged.
        """
        name = image_name(img_path)
        entry = self.index.images.get(name)
        if entry is None:
            raise PriorCacheError(
                f'cache {self.folder}: no prior of image {name!r}. Run '
                'tools/cache_priors.py with the config of this data set: it '
                'adds what is missing'
            )
        path = self.folder / entry.file
        # the hashes take longer than the reading
        state = (_state(img_path), _state(path))
        if self._checked.get(name) != state:
            self._check(name, entry, img_path, img)
            self._checked[name] = state
        return self._open(name, path, layers)

    def _check(
        self, name: str, entry: Entry, img_path: str, img: np.ndarray
    ) -> None:
        where = f'cache {self.folder}, prior of image {name!r}'
        if img.shape[:2] != entry.size:
            raise PriorCacheError(
                f'{where}: it was made of {_size(entry.size)}, the image here '
                f'is {_size(img.shape)}. Put LoadPrior directly behind the '
                f'loading of the image; if the file has changed: {AGAIN}'
            )
        if image_hash(img_path, img) != entry.image:
            raise PriorCacheError(
                f'{where} is stale: {img_path} has changed since. {AGAIN}'
            )
        found = grey_levels(img)
        if not np.allclose(found, entry.levels, rtol=0, atol=TOLERANCE):
            raise PriorCacheError(
                f'{where} is stale: the image was loaded by '
                f'{self.index.loading} and had the grey levels '
                f'{entry.levels}, now {found} (means and standard deviation). '
                'Load it in the same way, or make a cache with this config'
            )
        path = self.folder / entry.file
        size = path.stat().st_size if path.is_file() else None
        if size is None:
            raise PriorCacheError(f'{where}: no file {path}. {AGAIN}')
        if size != entry.bytes or file_sha256(path) != entry.sha256:
            raise PriorCacheError(
                f'{where} is damaged: {path} is not the file that was '
                f'written ({size} bytes, {entry.bytes} then). {AGAIN}'
            )

    def _open(
        self, name: str, path: Path, layers: Sequence[int]
    ) -> list[Tensor]:
        # here, as timm: a process without priors does not need it
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, 'pt') as file:
                return [file.get_tensor(layer_key(i)) for i in layers]
        except (SafetensorError, OSError) as error:
            raise PriorCacheError(
                f'cache {self.folder}, prior of image {name!r} is damaged: '
                f'{path} cannot be read ({error}). {AGAIN}'
            ) from error


def _state(path: str | Path) -> tuple | None:
    """What changes when a file is written; None without a file."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def _size(shape: tuple) -> str:
    return f'{shape[1]}x{shape[0]} (width x height)'
