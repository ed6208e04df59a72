"""Reading priors of a cache."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from torch import Tensor

from .index import (
    CacheIndex,
    PriorCacheError,
    image_name,
    image_note,
    layer_key,
    map_file,
)

RENEW = 'Run tools/cache_priors.py again: it makes this entry anew'
# In gray levels: decoders of JPEG files differ by less.
TOLERANCE = 0.25


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
                made_of = json.loads(file.metadata()['made_of'])
                maps = [file.get_tensor(layer_key(i)) for i in layers]
        except FileNotFoundError as error:
            raise PriorCacheError(
                f'{where} is missing. Run tools/cache_priors.py with the '
                'config of this data set: it adds what is missing'
            ) from error
        except (SafetensorError, OSError, TypeError, ValueError) as error:
            raise PriorCacheError(
                f'{where} is damaged: {path} cannot be read ({error}). {RENEW}'
            ) from error
        problem = self._problem(made_of, image_note(img_path, img))
        if problem:
            raise PriorCacheError(f'{where} {problem}')
        return maps

    def _problem(self, then: dict, now: dict) -> str | None:
        """Why maps of an image do not fit it now, and the way out."""
        if then['key'] != self._key:
            return f'is left over from other options or weights. {RENEW}'
        if then['size'] != now['size']:
            return (
                f'was made of {_size(then["size"])}, the image here is '
                f'{_size(now["size"])}. Put LoadPrior directly behind the '
                f'loading of the image; if the file has changed: {RENEW}'
            )
        if then['file'] != now['file']:
            return (
                'is stale: the image has another size in bytes or another '
                'time of change than it had then. If it is a copy, copy it '
                f'with its time (cp -p). {RENEW}'
            )
        if not np.allclose(
            then['levels'], now['levels'], rtol=0, atol=TOLERANCE
        ):
            return (
                f'is stale: the image was loaded by {self.index.loading} and '
                f'had the gray levels {then["levels"]}, now {now["levels"]} '
                '(means and standard deviations). Load it in the same way, '
                'or make a cache with this config'
            )
        return None


def _size(shape: list[int]) -> str:
    return f'{shape[1]}x{shape[0]} (width x height)'
