"""Which VFM, with which weights and which input, made the maps of a cache."""

import hashlib
import os.path as osp
from collections.abc import Sequence

import torch
from torch import nn

from .errors import PriorCacheError
from .index import CacheIndex, file_sha256


def weights_sha256(model: nn.Module) -> str:
    """SHA-256 of a model's weights: names, types, shapes and bytes."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        value = value.detach().cpu().contiguous()
        digest.update(f'{name} {value.dtype} {tuple(value.shape)}'.encode())
        # NumPy knows no bfloat16
        digest.update(value.flatten().view(torch.uint8).numpy())
    return digest.hexdigest()


def identify(
    model_name: str,
    norm: bool,
    input_scale: float,
    mean: Sequence[float],
    std: Sequence[float],
    pretrained: bool,
    checkpoint: str | None,
    seed: int,
    model: nn.Module,
) -> dict:
    """Describe a VFM for the index of a cache.

    Args:
        model_name, norm, input_scale, mean, std, pretrained, checkpoint,
        seed: As in :class:`fdep_mm.models.FrozenVFM`.
        model (nn.Module): The VFM with its weights.

    Returns:
        dict: For JSON.
    """
    random = not pretrained and checkpoint is None
    return dict(
        model_name=model_name,
        norm=norm,
        input_scale=input_scale,
        mean=[round(value, 6) for value in mean],
        std=[round(value, 6) for value in std],
        weights=_weights_source(pretrained, checkpoint),
        seed=seed if random else None,
        checkpoint_sha256=file_sha256(checkpoint) if checkpoint else None,
        weights_sha256=weights_sha256(model),
    )


def check_identity(
    index: CacheIndex,
    folder: str,
    model_name: str,
    out_indices: Sequence[int],
    norm: bool,
    input_scale: float,
    mean: Sequence[float] | None,
    std: Sequence[float] | None,
    pretrained: bool,
    checkpoint: str | None,
    seed: int,
) -> None:
    """Compare the VFM of a config with that of a cache.

    The file of the weights is compared by its content where it is there, and
    by its name where it is not: cached priors do not need it.

    Args:
        index (CacheIndex): Of the cache.
        folder (str): The cache, for the error.
        model_name, out_indices, norm, input_scale, mean, std, pretrained,
        checkpoint, seed: As in :class:`fdep_mm.models.FrozenVFM`.

    Raises:
        PriorCacheError: They differ; the message names how.
    """
    made = index.vfm
    source = _weights_source(pretrained, checkpoint)
    wanted = dict(model_name=model_name, norm=norm, input_scale=input_scale)
    if mean is not None:
        wanted['mean'] = [round(value, 6) for value in mean]
    if std is not None:
        wanted['std'] = [round(value, 6) for value in std]
    if checkpoint is not None and osp.isfile(checkpoint):
        wanted['checkpoint_sha256'] = file_sha256(checkpoint)
    else:
        wanted['weights'] = source
    if source == 'random':
        wanted['seed'] = seed
    differences = [
        f'{key} {made.get(key)!r} in the cache, {value!r} in the config'
        for key, value in wanted.items()
        if made.get(key) != value
    ]
    missing = sorted(set(out_indices) - set(index.layers))
    if missing:
        differences.append(
            f'layers {missing} of out_indices are not in the cache, which '
            f'has {list(index.layers)}'
        )
    if differences:
        raise PriorCacheError(
            f'cache={folder!r} is of another VFM: {"; ".join(differences)}. '
            'Make a cache with this config by tools/cache_priors.py, or '
            "change the config's vfm"
        )


def _weights_source(pretrained: bool, checkpoint: str | None) -> str:
    if checkpoint is not None:
        return f'file {osp.basename(checkpoint)}'
    return "timm's" if pretrained else 'random'
