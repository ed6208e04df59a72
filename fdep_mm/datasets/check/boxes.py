"""Box files against masks, whatever their convention of corners."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from ..sirst_xml import CONVENTIONS


class BoxCheck(NamedTuple):
    """How the boxes of a data set differ from those of its masks."""

    # what the files add to 0-based half-open x1, y1, x2, y2: median of all
    offset: tuple[float, float, float, float]
    compared: int  # number of pairs
    differences: dict[int, str]  # by index of the image


def compare_boxes(
    boxes: Sequence[np.ndarray],
    targets: Sequence[np.ndarray],
    tolerance: float = 2.0,
) -> BoxCheck:
    """Find images whose boxes and mask show different targets.

    Boxes (of the files, minus 1) and targets, (G, 4) per image, are paired one
    to one by the distance of their centers. The convention of the corners is
    measured; then an edge may deviate by ``tolerance`` px.
    """
    pairs = [_pair(*both) for both in zip(boxes, targets, strict=True)]
    moved = [box - target for box, target in pairs]
    every = np.concatenate([*moved, np.empty((0, 4))])
    # the median: a few wrong boxes do not move it, and so stand out
    offset = np.median(every, axis=0) if len(every) else np.zeros(4)
    differences = {}
    for index, (box, target) in enumerate(zip(boxes, targets, strict=True)):
        far = np.abs(moved[index] - offset).max(axis=1) > tolerance
        if len(box) != len(target):
            text = f'{len(box)} boxes, {len(target)} targets in the mask'
            differences[index] = text
        elif far.any():
            box, target = (part[far][0] for part in pairs[index])
            text = f'box {_text(box - offset)}, mask {_text(target)}'
            differences[index] = text
    return BoxCheck(tuple((offset + 1).tolist()), len(every), differences)


def known_convention(offset: Sequence[float]) -> str | None:
    """Name of the convention that an offset shows, if it is known."""
    usual = {
        **CONVENTIONS,
        '0-based, half-open': (0, 0, 0, 0),
        '0-based, last pixel included': (0, 0, -1, -1),
    }
    for name, known in usual.items():
        if np.allclose(offset, known, atol=0.25):
            return name
    return None


def _pair(
    boxes: np.ndarray, targets: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    centers = [(b[:, None, :2] + b[:, None, 2:]) / 2 for b in (boxes, targets)]
    away = np.linalg.norm(centers[0] - centers[1].transpose(1, 0, 2), axis=-1)
    rows, cols = linear_sum_assignment(away)
    return boxes[rows], targets[cols]


def _text(box: np.ndarray) -> str:
    return f'({", ".join(f"{value:g}" for value in box)})'
