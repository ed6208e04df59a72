"""Images with what is true and what was predicted, from files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fdep_mm.evaluation.functional import (
    EvalProtocol,
    check_pair,
    count_image,
)

from .files import check_scale, read_image, read_mask, read_prob


class Scene(NamedTuple):
    """One image with what is true and what was predicted."""

    name: str
    image: np.ndarray  # (H, W) or (H, W, C) of any type
    prob: np.ndarray  # (H, W) float32 in [0, 1]
    mask: np.ndarray  # (H, W) bool


def load_scene(
    name: str,
    image: Path,
    pred: Path,
    mask: Path,
    binary: bool = False,
    max_value: float | None = None,
) -> Scene:
    """Read the three files of an image and check that they go together.

    See :func:`.files.read_prob` for `pred`, `binary` and `max_value`.
    """
    pixels = read_image(image)
    prob, truth = check_pair(
        read_prob(pred, binary, max_value),
        read_mask(mask),
        f'{pred} against {mask}',
    )
    if pixels.shape[:2] != truth.shape:
        raise ValueError(
            f'{image}: is {pixels.shape[:2]} px, but {mask} is {truth.shape}; '
            'resize one of them'
        )
    return Scene(name, pixels, prob, truth)


def count_files(
    preds: Mapping[str, Path],
    masks: Mapping[str, Path],
    names: Sequence[str],
    protocol: EvalProtocol,
    binary: bool = False,
    max_value: float | None = None,
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Count image by image, so that folders of any size fit in memory.

    Args:
        preds, masks (Mapping[str, Path]): By identifier.
        names (Sequence[str]): Identifiers to evaluate.
        protocol (EvalProtocol): What to count.
        binary, max_value: See :func:`.files.read_prob`.

    Returns:
        tuple[dict[str, np.ndarray], list[str]]: One record per image, by
        identifier, and one line for each image left out: a file cannot be
        read, or sizes or values are wrong.
    """
    check_scale((preds[name] for name in names), binary, max_value)
    records, unusable = {}, []
    for name in names:
        pair = f'{preds[name]} against {masks[name]}'
        try:
            prob = read_prob(preds[name], binary, max_value)
            mask = read_mask(masks[name])
            records[name] = count_image(prob, mask, protocol, pair)
        except ValueError as error:
            unusable.append(str(error))
    if not records:
        raise ValueError('\n  '.join(['no image can be scored', *unusable]))
    return records, unusable
