"""Counts of predictions in files against masks in files."""

from pathlib import Path

import numpy as np

from fdep_mm.evaluation.functional import EvalProtocol, count_image

from .files import check_scale, read_mask, read_prob


def count_files(
    preds: dict[str, Path],
    masks: dict[str, Path],
    names: list[str],
    protocol: EvalProtocol,
    binary: bool = False,
    max_value: float | None = None,
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Count image by image, so that folders of any size fit in memory.

    Args:
        preds (dict[str, Path]): By identifier.
        masks (dict[str, Path]): By identifier.
        names (list[str]): Identifiers to evaluate.
        protocol (EvalProtocol): What to count.
        binary (bool): Whether predictions are masks, see :func:`.read_prob`.
        max_value (float, optional): As there.

    Returns:
        tuple[dict[str, np.ndarray], list[str]]: One record per image, by
        identifier, and one line for each image left out: a file cannot be
        read, or sizes or values are wrong.

    Raises:
        ValueError: If no image can be scored, or predictions are not what
            the options say, see :func:`.check_scale`.
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
