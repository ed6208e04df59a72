"""Priors between the pipeline and the network: part of the data sample."""

import json
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.structures import BaseDataElement
from torch import Tensor

from .geometry import map_shapes
from .identity import differences
from .index import PriorCacheError

HOW_TO_LOAD = (
    "put dict(type='fdep_mm.LoadPrior', cache=...) behind the loading "
    'transforms of the training pipeline and pack with '
    "'fdep_mm.PackPriorInputs'; tools/cache_priors.py prints the lines"
)


def pack_priors(
    maps: Sequence[Tensor],
    layers: Sequence[int],
    strides: Sequence[int],
    input_scale: float,
    vfm: dict,
    size: tuple[int, int],
) -> BaseDataElement:
    """Put the maps (C, h, w) of one image into one tensor, ``maps``, 1-D.

    The rest becomes meta information: what :class:`.CacheIndex` says, ``vfm``
    being its record, and ``size``, height and width of the image in px.
    """
    return BaseDataElement(
        metainfo=dict(
            # text: MMEngine copies meta information deeply, often
            vfm=json.dumps(vfm, sort_keys=True),
            size=tuple(size),
            layers=tuple(layers),
            strides=tuple(strides),
            input_scale=input_scale,
            shapes=tuple(tuple(one.shape) for one in maps),
        ),
        # A worker sends each tensor with an open file of its own, and a GPU
        # gets each in a copy of its own.
        maps=torch.cat([one.flatten() for one in maps]),
    )


def batch_priors(
    data_samples: list, size: tuple[int, int], vfm: object = None
) -> tuple[Tensor, ...] | None:
    """Priors of a batch, if its samples have them.

    Args:
        data_samples (list): With what :func:`pack_priors` gave as ``priors``.
        size (tuple[int]): Height and width of the network's input in px.
            Where it was padded at the bottom and right, maps get zeros.
        vfm (object, optional): The network's VFM, which must be that of the
            priors.

    Returns:
        tuple[Tensor] | None: One map (B, C, h, w) per layer, float32; None
        if no sample has a prior.

    Raises:
        PriorCacheError: Only some samples have priors, or those of another
            VFM, other layers or larger images, or padding moves cells.
    """
    found = [sample.priors for sample in data_samples if 'priors' in sample]
    if not found:
        return None
    if len(found) != len(data_samples):
        raise PriorCacheError(
            f'{len(found)} of {len(data_samples)} samples of the batch have '
            f'priors. For every data set of the training, {HOW_TO_LOAD}'
        )
    _check_vfm(found, vfm)
    shapes = map_shapes(size, found[0].strides, found[0].input_scale)
    samples = [_unpack(prior, shapes, size) for prior in found]
    return tuple(
        torch.stack(maps).float() for maps in zip(*samples, strict=True)
    )


def _check_vfm(priors: list[BaseDataElement], vfm: object) -> None:
    first = priors[0]
    others = [
        dict(json.loads(record), layers=layers)
        for record, layers in {(prior.vfm, prior.layers) for prior in priors}
    ]
    made = dict(json.loads(first.vfm), layers=first.layers)
    if hasattr(vfm, 'record'):
        made['channels'] = tuple(shape[0] for shape in first.shapes)
        own = dict(layers=tuple(vfm.out_indices), channels=tuple(vfm.channels))
        others.append(vfm.record | own)
    words = ('in the batch', 'in another sample or the network')
    problems = sum([differences(made, one, words) for one in others], [])
    if problems:
        raise PriorCacheError(
            'priors of the batch are of another VFM than others, or than the '
            f"network's: {'; '.join(problems)}. Name one cache in LoadPrior "
            'and in vfm, and the same layers'
        )


def _unpack(
    prior: BaseDataElement,
    shapes: list[tuple[int, int]],
    size: tuple[int, int],
) -> list[Tensor]:
    """Maps of an image, padded to the shapes of the batch."""
    pieces = prior.maps.split([c * h * w for c, h, w in prior.shapes])
    maps = []
    for piece, shape, (height, width) in zip(
        pieces, prior.shapes, shapes, strict=True
    ):
        below, right = height - shape[1], width - shape[2]
        if below < 0 or right < 0:
            raise PriorCacheError(
                f'a prior has {shape[1]}x{shape[2]} cells, the images of the '
                f'batch are for {height}x{width}. Change the size of images '
                'in the pipeline, before PackPriorInputs'
            )
        maps.append(F.pad(piece.view(shape), (0, right, 0, below)))
    _check_padding(prior, size)
    return maps


def _check_padding(prior: BaseDataElement, size: tuple[int, int]) -> None:
    """Cells keep their places only where the stride divides both sizes."""
    stride = max(prior.strides)
    for before, after in zip(prior.size, size, strict=True):
        cells = [side * prior.input_scale / stride for side in (before, after)]
        if before != after and any(abs(c - round(c)) > 1e-6 for c in cells):
            raise PriorCacheError(
                f'an image of {prior.size} was padded to {size} (height, '
                f'width), but the stride {stride} of the VFM, at input scale '
                f'{prior.input_scale}, does not divide both: cells would '
                'move. Pad images to such a size with fdep_mm.TargetCrop, '
                'before PackPriorInputs'
            )
