"""Which VFM, with which weights and which input, made the maps of a cache."""

import hashlib
import os.path as osp
from collections.abc import Sequence

import torch
from torch import nn

from fdep_mm.core.whole import file_sha256

from .index import CacheIndex, PriorCacheError

IN_CACHE_AND_CONFIG = ('in the cache', 'in the config')


def weights_sha256(model: nn.Module) -> str:
    """SHA-256 of a model's weights: names, types, shapes and bytes."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        value = value.detach().cpu().contiguous()
        digest.update(f'{name} {value.dtype} {tuple(value.shape)}'.encode())
        # NumPy knows no bfloat16
        digest.update(value.flatten().view(torch.uint8).numpy())
    return digest.hexdigest()


def vfm_record(
    vfm: nn.Module, mean: Sequence[float] | None, std: Sequence[float] | None
) -> dict:
    """What a VFM's config says about its maps."""
    file = vfm.checkpoint
    if file is not None:
        weights = f'file {osp.basename(file)}'
    else:
        weights = "timm's" if vfm.pretrained else 'random'
    return dict(
        model_name=vfm.model_name,
        norm=vfm.norm,
        input_scale=vfm.input_scale,
        mean=mean and [round(value, 6) for value in mean],
        std=std and [round(value, 6) for value in std],
        weights=weights,
        seed=vfm.seed if weights == 'random' else None,
        checkpoint_sha256=file_sha256(file)
        if file is not None and osp.isfile(file)
        else None,
    )


def differences(made: dict, wanted: dict, words: tuple[str, str]) -> list[str]:
    """What two records of VFMs differ in, as far as both know it.

    Files of weights are compared by content where that is known, else by
    name: cached priors do not need the file.
    """
    keys = [
        key
        for key in wanted
        if wanted[key] is not None and made.get(key) is not None
    ]
    if 'checkpoint_sha256' in keys:
        keys.remove('weights')
    return [
        f'{key} {made[key]!r} {words[0]}, {wanted[key]!r} {words[1]}'
        for key in keys
        if made[key] != wanted[key]
    ]


def check_identity(
    index: CacheIndex, folder: str, wanted: dict, out_indices: Sequence[int]
) -> None:
    """Refuse a cache whose VFM is not that of a config."""
    found = differences(index.vfm, wanted, IN_CACHE_AND_CONFIG)
    missing = sorted(set(out_indices) - set(index.layers))
    if missing:
        found.append(
            f'layers {missing} of out_indices are not in the cache, which '
            f'has {list(index.layers)}'
        )
    if found:
        raise PriorCacheError(
            f'cache={folder!r} is of another VFM: {"; ".join(found)}. '
            'Make a cache with this config by tools/cache_priors.py, or '
            "change the config's vfm"
        )


def note_channel_order(vfm: nn.Module, bgr_to_rgb: bool) -> None:
    """Tell a VFM whether the network's preprocessor reverses the channels.

    Raises:
        PriorCacheError: Its cache has maps of the other order.
    """
    if not hasattr(vfm, 'bgr_to_rgb'):  # not a FrozenVFM
        return
    vfm.bgr_to_rgb = bgr_to_rgb
    wanted = dict(bgr_to_rgb=bgr_to_rgb)
    found = vfm.cache and differences(vfm.record, wanted, IN_CACHE_AND_CONFIG)
    if found:
        raise PriorCacheError(
            f'cache={vfm.cache!r} is of images with another order of '
            f'channels: {found[0]}. Make a cache with this config by '
            "tools/cache_priors.py, or change the config's data_preprocessor"
        )
