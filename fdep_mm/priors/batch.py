"""Priors between the pipeline and the network: part of the data sample."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.structures import BaseDataElement
from torch import Tensor

from .errors import PriorCacheError
from .geometry import map_shapes

FIELD = 'priors'
LINES = (
    "put dict(type='fdep_mm.LoadPrior', cache=...) behind the loading "
    'transforms of the training pipeline and pack with '
    "'fdep_mm.PackPriorInputs'; tools/cache_priors.py prints the lines"
)


def pack_priors(
    maps: Sequence[Tensor],
    layers: Sequence[int],
    strides: Sequence[int],
    input_scale: float,
    vfm: str,
) -> BaseDataElement:
    """Put the maps of one image into one piece.

    One tensor only: a data loading worker sends each with an open file of
    its own, and a GPU gets each in a copy of its own.

    Args:
        maps (Sequence[Tensor]): Each (C, h, w), of one type.
        layers (Sequence[int]): Which of the VFM's they are.
        strides (Sequence[int]): Their strides at input scale 1.
        input_scale (float): Factor on height and width of the VFM's input.
        vfm (str): Name of the VFM.

    Returns:
        BaseDataElement: ``maps``, 1-D, and the rest as meta information.
    """
    return BaseDataElement(
        metainfo=dict(
            vfm=vfm,
            layers=tuple(layers),
            strides=tuple(strides),
            input_scale=input_scale,
            shapes=tuple(tuple(one.shape) for one in maps),
        ),
        maps=torch.cat([one.flatten() for one in maps]),
    )


def batch_priors(
    data_samples: list, size: tuple[int, int], vfm: object = None
) -> tuple[Tensor, ...] | None:
    """Priors of a batch, if its samples have them.

    Args:
        data_samples (list): With what :func:`pack_priors` gave as
            ``priors``, or without.
        size (tuple[int]): Height and width of the network's input in px.
            Where it was padded at the bottom and right, so are the maps,
            with 0.
        vfm (object, optional): The network's VFM; if it has ``model_name``
            and ``out_indices``, they must be those of the priors.

    Returns:
        tuple[Tensor] | None: One map (B, C, h, w) per layer, float32; None
        if no sample has a prior.

    Raises:
        PriorCacheError: Only some samples have priors, or those of another
            VFM, other layers or larger images.
    """
    found = [getattr(s, FIELD) for s in data_samples if FIELD in s]
    if not found:
        return None
    if len(found) != len(data_samples):
        raise PriorCacheError(
            f'{len(found)} of {len(data_samples)} samples of the batch have '
            f'priors. Of every data set of the training, {LINES}'
        )
    first = found[0]
    _check_vfm(first, vfm)
    shapes = map_shapes(size, first.strides, first.input_scale)
    samples = [_unpack(one, shapes) for one in found]
    return tuple(
        torch.stack(maps).float() for maps in zip(*samples, strict=True)
    )


def _check_vfm(prior: BaseDataElement, vfm: object) -> None:
    name = getattr(vfm, 'model_name', prior.vfm)
    layers = tuple(getattr(vfm, 'out_indices', prior.layers))
    if name != prior.vfm or layers != prior.layers:
        raise PriorCacheError(
            f'the batch has priors of {prior.vfm!r}, layers {prior.layers}, '
            f'but the network has model_name={name!r}, out_indices={layers}. '
            'Name one cache in LoadPrior and in vfm, and the same layers'
        )


def _unpack(
    prior: BaseDataElement, shapes: list[tuple[int, int]]
) -> list[Tensor]:
    sizes = [c * h * w for c, h, w in prior.shapes]
    pieces = prior.maps.split(sizes)
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
    return maps
