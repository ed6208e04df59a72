"""Which VFM, with which weights and which input, made the maps of a cache."""

import hashlib
import os.path as osp
from collections.abc import Sequence

import torch
from torch import nn

from .errors import PriorCacheError
from .index import CacheIndex, file_sha256

WORDS = ('in the cache', 'in the config')


def weights_sha256(model: nn.Module) -> str:
    """SHA-256 of a model's weights: names, types, shapes and bytes."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        value = value.detach().cpu().contiguous()
        digest.update(f'{name} {value.dtype} {tuple(value.shape)}'.encode())
        # NumPy knows no bfloat16
        digest.update(value.flatten().view(torch.uint8).numpy())
    return digest.hexdigest()


def describe(
    model_name: str,
    norm: bool,
    input_scale: float,
    mean: Sequence[float] | None,
    std: Sequence[float] | None,
    pretrained: bool,
    checkpoint: str | None,
    seed: int,
) -> dict:
    """Describe a VFM by what its config says.

    Args:
        model_name, norm, input_scale, mean, std, pretrained, checkpoint,
        seed: As in :class:`fdep_mm.models.FrozenVFM`.

    Returns:
        dict: For JSON; None where something is not known or does not matter.
    """
    random = not pretrained and checkpoint is None
    there = checkpoint is not None and osp.isfile(checkpoint)
    return dict(
        model_name=model_name,
        norm=norm,
        input_scale=input_scale,
        mean=mean and [round(value, 6) for value in mean],
        std=std and [round(value, 6) for value in std],
        weights=_weights_source(pretrained, checkpoint),
        seed=seed if random else None,
        checkpoint_sha256=file_sha256(checkpoint) if there else None,
    )


def differences(made: dict, wanted: dict, words: tuple[str, str]) -> list[str]:
    """What two descriptions of VFMs differ in.

    What one of them does not know is not compared. Files of weights are
    compared by their content where it is known, else by their names: cached
    priors do not need the file.

    Args:
        made, wanted (dict): What :func:`describe` gave, and more.
        words (tuple[str, str]): What to call the two.

    Returns:
        list[str]: One text per difference.
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
    """Compare the VFM of a config with that of a cache.

    Args:
        index (CacheIndex): Of the cache.
        folder (str): The cache, for the error.
        wanted (dict): The VFM of the config, see :func:`describe`.
        out_indices (Sequence[int]): As in
            :class:`fdep_mm.models.FrozenVFM`.

    Raises:
        PriorCacheError: They differ; the message names how.
    """
    found = differences(index.vfm, wanted, WORDS)
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
    """Tell a VFM in which order it gets the channels of an image.

    Args:
        vfm (nn.Module): A ``FrozenVFM``; another one need not know.
        bgr_to_rgb (bool): Whether the network's preprocessor reverses them.

    Raises:
        PriorCacheError: Its cache has maps of the other order.
    """
    if not hasattr(vfm, 'bgr_to_rgb'):
        return
    vfm.bgr_to_rgb = bgr_to_rgb
    if vfm.cache is None:
        return
    found = differences(vfm.record, dict(bgr_to_rgb=bgr_to_rgb), WORDS)
    if found:
        raise PriorCacheError(
            f'cache={vfm.cache!r} is of images with another order of '
            f'channels: {found[0]}. Make a cache with this config by '
            "tools/cache_priors.py, or change the config's data_preprocessor"
        )


def _weights_source(pretrained: bool, checkpoint: str | None) -> str:
    if checkpoint is not None:
        return f'file {osp.basename(checkpoint)}'
    return "timm's" if pretrained else 'random'
