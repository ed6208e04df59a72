"""Priors of a cache: loaded with the image, packed with the labels."""

from collections.abc import Sequence

import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.datasets.transforms import PackSegInputs
from mmseg.structures import SegDataSample

from fdep_mm.priors import (
    PriorCache,
    PriorCacheError,
    coordinates,
    map_shapes,
    pack_priors,
    places,
    resample,
)
from fdep_mm.registry import TRANSFORMS

from .base import ShowsArguments


@TRANSFORMS.register_module()
class LoadPrior(ShowsArguments, BaseTransform):
    """Read the prior of the full image from a cache.

    Put it directly behind the loading transforms and pack with
    :class:`PackPriorInputs`. Transforms in between may move the image if they
    move all ``seg_fields`` with it: the prior follows when it is packed. Those
    that only remove targets from the mask belong before it.

    Needs ``img_path`` and ``img``, (H, W, C). Adds ``priors``, a list of
    tensors (C, h, w) that cover the image; ``prior_place``, (H, W, 2), one of
    the ``seg_fields``: :func:`fdep_mm.priors.coordinates`; ``prior_info`` for
    the packing; ``prior_mask``, a copy of the mask, for a check.

    Args:
        cache (str): Folder that ``tools/cache_priors.py`` wrote.
        layers (Sequence[int], optional): Blocks or stages of the VFM, the
            network's ``vfm.out_indices``. Default: all that the cache has.

    Raises:
        PriorCacheError: The cache has no readable index or not these layers,
            or the image's entry is missing, stale or damaged.
    """

    def __init__(
        self, cache: str, layers: Sequence[int] | None = None
    ) -> None:
        self.cache = cache
        self._reader = PriorCache(cache)
        index = self._reader.index
        self.layers = index.layers if layers is None else tuple(layers)
        missing = sorted(set(self.layers) - set(index.layers))
        if missing or not self.layers:
            raise PriorCacheError(
                f'LoadPrior(layers={layers}): the cache {cache!r} has the '
                f'layers {list(index.layers)}; choose some of them, or make '
                'another cache'
            )
        chosen = [index.layers.index(i) for i in self.layers]
        self.info = dict(
            layers=self.layers,
            strides=tuple(index.strides[i] for i in chosen),
            input_scale=index.input_scale,
            vfm=index.record,
        )

    def transform(self, results: dict) -> dict:
        """Add the prior and the place of each pixel."""
        img = results['img']
        size = img.shape[:2]
        results['priors'] = self._reader.read(
            results['img_path'], img, self.layers
        )
        results['prior_place'] = coordinates(size)
        results['prior_info'] = dict(self.info, full_size=size)
        if 'gt_seg_map' in results:  # transforms may change it in place
            results['prior_mask'] = results['gt_seg_map'].copy()
        results.setdefault('seg_fields', []).append('prior_place')
        return results


@TRANSFORMS.register_module()
class PackPriorInputs(PackSegInputs):
    """mmseg's packing, and the prior as ``data_sample.priors``.

    The prior's maps get the sizes that the VFM would give for the image as
    it is now; where the image is padding they are 0. Their type is that of
    the cache. Results without a prior are packed as by mmseg.

    Args:
        meta_keys (Sequence[str]): As in mmseg's ``PackSegInputs``.

    Raises:
        PriorCacheError: A transform moved the image, but not all of the
            ``seg_fields``: their sizes differ, or most target pixels are not
            where the prior's place has them.
    """

    def transform(self, results: dict) -> dict:
        """Pack ``inputs`` and ``data_samples``."""
        packed = super().transform(results)
        if 'priors' not in results:
            return packed
        info = dict(results['prior_info'])
        place = results['prior_place']
        size = results['img'].shape[:2]
        _check_place(results, place, size)
        shapes = map_shapes(size, info['strides'], info['input_scale'])
        full_size = info.pop('full_size')
        maps = resample(results['priors'], full_size, place, shapes)
        sample = _PinnedSample()
        sample.update(packed['data_samples'])
        sample.priors = pack_priors(maps, size=size, **info)
        return packed | dict(data_samples=sample)


class _PinnedSample(SegDataSample):
    """mmseg's, but ``pin_memory`` of a data loader reaches its prior."""

    def pin_memory(self) -> '_PinnedSample':
        """Lock the prior's memory; torch's data loader calls this."""
        self.priors.maps = self.priors.maps.pin_memory()
        return self


def _check_place(
    results: dict, place: np.ndarray, size: tuple[int, int]
) -> None:
    problem = None
    if place.shape[:2] != size:
        problem = f'its prior is of {place.shape[:2]}, the image {size} px'
    elif 'prior_mask' in results and 'gt_seg_map' in results:
        mask, now = results['prior_mask'], results['gt_seg_map']
        lost, total = _lost_targets(mask, place, now)
        # borders of targets may differ by how masks are interpolated
        if 2 * lost > total:
            problem = f'{lost} of {total} target pixels are not in place'
    if problem:
        raise PriorCacheError(
            f'{results["img_path"]}: {problem}: a transform moves the image, '
            "but not all of results['seg_fields']. Take it out, or train "
            'without cached priors'
        )


def _lost_targets(
    mask: np.ndarray, place: np.ndarray, now: np.ndarray
) -> tuple[int, int]:
    """Target pixels of the full image that the mask now lacks, and all."""
    found, inside = places(place)
    expected = mask[tuple(np.rint(found[inside]).astype(int).T)]
    lost = (now[inside] != expected)[expected > 0]
    return int(lost.sum()), len(lost)
