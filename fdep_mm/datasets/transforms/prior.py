"""Priors of a cache: loaded with the image, packed with the labels."""

from collections.abc import Sequence

from mmcv.transforms import BaseTransform
from mmseg.datasets.transforms import PackSegInputs

from fdep_mm.priors import (
    PriorCache,
    PriorCacheError,
    coordinates,
    map_shapes,
    pack_priors,
    sample,
)
from fdep_mm.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadPrior(BaseTransform):
    """Read the prior of the full image from a cache.

    Put it directly behind the loading transforms and pack with
    :class:`PackPriorInputs`. The transforms between may move the image in
    any way that they move all ``seg_fields`` in (ours do, and mmseg's): the
    prior follows when it is packed. Changes of brightness leave it alone.

    Required keys: ``img_path`` and ``img``, (H, W, C).

    Added keys: ``priors``, a list of tensors (C, h, w) that cover the image;
    ``prior_place``, (H, W, 2), one of the ``seg_fields``, which tells where
    each pixel comes from, see :func:`fdep_mm.priors.coordinates`;
    ``prior_info``, what else the packing needs.

    Args:
        cache (str): Folder that ``tools/cache_priors.py`` wrote.
        layers (Sequence[int], optional): Blocks or stages of the VFM; the
            network's ``vfm.out_indices``. Defaults to None, all that the
            cache has.

    Raises:
        PriorCacheError: The cache has no readable index or not these layers,
            or the image's entry is missing, stale or damaged.
    """

    def __init__(
        self, cache: str, layers: Sequence[int] | None = None
    ) -> None:
        self.cache = PriorCache(cache)
        index = self.cache.index
        self.layers = index.layers if layers is None else tuple(layers)
        missing = sorted(set(self.layers) - set(index.layers))
        if missing or not self.layers:
            raise PriorCacheError(
                f'LoadPrior(layers={layers}): the cache {cache!r} has the '
                f'layers {list(index.layers)}. Choose some of them, or make '
                'another cache with tools/cache_priors.py'
            )
        chosen = [index.layers.index(i) for i in self.layers]
        self.info = dict(
            layers=self.layers,
            strides=tuple(index.strides[i] for i in chosen),
            input_scale=index.input_scale,
            vfm=index.vfm['model_name'],
        )

    def transform(self, results: dict) -> dict:
        """Add the prior and the place of each pixel."""
        img = results['img']
        size = img.shape[:2]
        results['priors'] = self.cache.read(
            results['img_path'], img, self.layers
        )
        results['prior_place'] = coordinates(size)
        results['prior_info'] = dict(self.info, size=size)
        results.setdefault('seg_fields', []).append('prior_place')
        return results

    def __repr__(self) -> str:
        return (
            f'{self.__class__.__name__}(cache={str(self.cache.folder)!r}, '
            f'layers={self.layers})'
        )


@TRANSFORMS.register_module()
class PackPriorInputs(PackSegInputs):
    """mmseg's packing, and the prior as ``data_sample.priors``.

    The prior's maps get the sizes that the VFM would give for the image as
    it is now; where the image is padding they are 0. Their type is that of
    the cache. Results without a prior are packed as by mmseg.

    Args:
        meta_keys (Sequence[str]): As in mmseg's ``PackSegInputs``.

    Raises:
        PriorCacheError: A transform changed the image's size, but not that of
            the ``seg_fields``.
    """

    def transform(self, results: dict) -> dict:
        """Pack ``inputs`` and ``data_samples``."""
        packed = super().transform(results)
        if 'priors' not in results:
            return packed
        info = dict(results['prior_info'])
        place = results['prior_place']
        size = results['img'].shape[:2]
        if place.shape[:2] != size:
            raise PriorCacheError(
                f'{results["img_path"]}: the image is {size}, the place of '
                f'its prior {place.shape[:2]} (height, width): a transform '
                "moves the image, but not all of results['seg_fields']. Take "
                'it out, or train without cached priors'
            )
        shapes = map_shapes(size, info['strides'], info['input_scale'])
        maps = sample(results['priors'], info.pop('size'), place, shapes)
        packed['data_samples'].priors = pack_priors(maps, **info)
        return packed
