"""Reading priors of a cache."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from torch import Tensor

from .index import (
    CacheIndex,
    PriorCacheError,
    changed_part,
    entry_name,
    image_note,
    map_file,
    read_entry,
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
        path = map_file(self.folder, img_path)
        where = f'cache {self.folder}, prior of image {entry_name(img_path)!r}'
        try:
            made_of, maps = read_entry(path, layers)
        except FileNotFoundError as error:
            raise PriorCacheError(
                f'{where} is missing. Run tools/cache_priors.py with the '
                'config of this data set: it adds what is missing'
            ) from error
        except ValueError as error:
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
                'was made of {1}x{0} px (width x height), the image here is '
                '{3}x{2}. '.format(*then['size'], *now['size'])
                + 'Put LoadPrior directly behind the loading of the image; if '
                f'the file has changed: {RENEW}'
            )
        if part == 'file':
            return (
                'is stale: its image has another size in bytes or time of '
                f'change. Copy images with their times (cp -p). {RENEW}'
            )
        return (
            f'is stale: the image was loaded by {self.index.loading} with '
            f'gray levels {then["levels"]} (means and standard deviations), '
            f'now {now["levels"]}. Load it in the same way, or make a cache '
            'with this config'
        )
