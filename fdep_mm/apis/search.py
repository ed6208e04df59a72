"""A network over a batch of frames of any sizes."""

from collections.abc import Callable
from functools import partial
from itertools import groupby

import cv2
import numpy as np

from fdep_mm.core.gray import to_float
from fdep_mm.core.text import first_line

from .backend import NOT_FINITE, Backend
from .box_merging import merge_boxes
from .inputs import Failure, Frame
from .results import Prediction, targets_of_boxes, targets_of_map
from .tiling import Span, Tiling, cut_frame, merge_maps, run_tiles

# What networks raise for an image that they cannot take.
ERRORS = (ValueError, RuntimeError, cv2.error)


def search(
    backend: Backend,
    items: list[Frame | Failure],
    threshold: float,
    tiling: Tiling,
    batch_size: int,
) -> list[Prediction | Failure]:
    """Search frames, those of one size together and large ones in tiles.

    A frame that the network cannot take, or gives NaN for, becomes a failure.
    """
    found: list = list(items)
    frames = [i for i, item in enumerate(items) if isinstance(item, Frame)]

    def shape(i: int) -> tuple[int, int]:
        return items[i].image.shape[:2]

    for size, group in groupby(sorted(frames, key=shape), key=shape):
        group = list(group)
        if max(size) > tiling.above:
            look = partial(_in_tiles, backend, threshold, tiling, batch_size)
        else:
            look = partial(_whole, backend)
        raw = _each(look, [items[i] for i in group])
        for i, result in zip(group, raw, strict=True):
            if not isinstance(result, Failure):
                result = _pack(backend.task, items[i], result, threshold)
            found[i] = result
    return found


def _each(
    look: Callable[[list[Frame]], list[np.ndarray]], frames: list[Frame]
) -> list[np.ndarray | Failure]:
    """Search frames together or, where that fails, one by one."""
    try:
        return list(look(frames))
    except ERRORS as error:
        if len(frames) == 1:
            return [_failure(frames[0], error)]
    return [result for frame in frames for result in _each(look, [frame])]


def _failure(frame: Frame, error: Exception) -> Failure:
    height, width = frame.image.shape[:2]
    where = '' if frame.index is None else f'#{frame.index}'
    where += f' ({height}x{width} px, height x width)'
    return Failure(frame.source, f'{frame.source}{where}: {first_line(error)}')


def _run(backend: Backend, images: np.ndarray) -> list[np.ndarray]:
    results = list(backend(images))
    if not all(np.isfinite(result).all() for result in results):
        raise ValueError(NOT_FINITE)
    return results


def _whole(backend: Backend, frames: list[Frame]) -> list[np.ndarray]:
    return _run(backend, np.stack([_pixels(backend, f) for f in frames]))


def _in_tiles(
    backend: Backend,
    threshold: float,
    tiling: Tiling,
    batch_size: int,
    frames: list[Frame],
) -> list[np.ndarray]:
    shape = frames[0].image.shape[:2]
    tiles = cut_frame(shape, tiling, backend.stride)
    found = []
    for frame in frames:
        pixels = partial(_pixels, backend, frame)
        run = partial(_run, backend)
        results = run_tiles(run, pixels, tiles, batch_size)
        if backend.task == 'segmentation':
            found.append(merge_maps(results, shape))
        else:
            found.append(merge_boxes(results, shape, threshold))
    return found


def _pixels(
    backend: Backend, frame: Frame, area: Span = (slice(None), slice(None))
) -> np.ndarray:
    """Only a tile of a large frame becomes three channels of floats."""
    return to_float(frame.image[area], frame.limits, backend.gray)


def _pack(
    task: str, frame: Frame, result: np.ndarray, threshold: float
) -> Prediction:
    if task == 'segmentation':
        targets = targets_of_map(result, threshold)
    else:
        targets = targets_of_boxes(result[result[:, 4] >= threshold])
    prob = result if task == 'segmentation' else None
    found = dict(targets=targets, threshold=threshold, prob=prob)
    return Prediction(**frame._asdict(), **found)
