"""Reading priors of a cache."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from torch import Tensor

from .index import (
    CacheIndex,
    PriorCacheError,
    changed_part,
    image_name,
    image_note,
    layer_key,
    map_file,
    read_note,
)

RENEW = 'Run tools/cache_priors.py again: it computes this entry again'


class PriorCache:
    """A folder of priors.

    Args:
        folder (str | Path): The cache.

    Attributes:
        index (CacheIndex): What it was made of.

    Raises:
        PriorCacheError: It has no readable index.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.index = CacheIndex.read(folder)
        self._key = self.index.key

    def read(
        self, img_path: str, img: np.ndarray, layers: Sequence[int]
    ) -> list[Tensor]:
        """Read the prior of an image.

        Args:
            img (np.ndarray): (H, W, C), as loaded and not yet changed.

        Returns:
            list[Tensor]: Maps of the full image, each (C, h, w).

        Raises:
            PriorCacheError: The entry is missing, stale or damaged.
        """
        # not at the top: a process without priors does not need it
        from safetensors import SafetensorError, safe_open

        path = map_file(self.folder, img_path)
        where = f'cache {self.folder}, prior of image {image_name(img_path)!r}'
        try:
            with safe_open(path, 'pt') as file:
                made_of = read_note(file.metadata())
                maps = [file.get_tensor(layer_key(i)) for i in layers]
        except FileNotFoundError as error:
            raise PriorCacheError(
                f'{where} is missing. Run tools/cache_priors.py with the '
                'config of this data set: it adds what is missing'
            ) from error
        except (SafetensorError, OSError, ValueError) as error:
            raise PriorCacheError(
                f'{where} is damaged: {path} cannot be read ({error}). {RENEW}'
            ) from error
        note = image_note(img_path, img, self._key)
        if part := changed_part(made_of, note):
            problem = self._problem(part, made_of, note)
            raise PriorCacheError(f'{where} {problem}')
        return maps

    def _problem(self, part: str, then: dict, now: dict) -> str:
        """Why maps of an image do not fit it now, and the way out."""
        if part == 'key':
            return f'is left over from other options or weights. {RENEW}'
        if part == 'size':
            return (
                f'was made of {_size(then["size"])}, the image here is '
                f'{_size(now["size"])}. Put LoadPrior directly behind the '
                f'loading of the image; if the file has changed: {RENEW}'
            )
        if part == 'file':
            return (
                'is stale: the image has another size in bytes or another '
                'time of change than it had then. If it is a copy, copy it '
                f'with its time (cp -p). {RENEW}'
            )
        return (
            f'is stale: the image was loaded by {self.index.loading} and '
            f'had the gray levels {then["levels"]}, now {now["levels"]} '
            '(means and standard deviations). Load it in the same way, or '
            'make a cache with this config'
        )


def _size(shape: list[int]) -> str:
    return f'{shape[1]}x{shape[0]} (width x height)'
