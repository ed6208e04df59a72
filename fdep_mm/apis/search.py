"""A network over a batch of frames of any sizes."""

from collections.abc import Callable
from dataclasses import dataclass
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
Look = Callable[[list[Frame]], list[Prediction]]


@dataclass(frozen=True)
class Search:
    """A network, and how frames are given to it."""

    backend: Backend
    threshold: float
    tiling: Tiling
    batch_size: int  # of tiles

    def __call__(
        self, items: list[Frame | Failure]
    ) -> list[Prediction | Failure]:
        """Search frames, those of one size together and large ones in tiles.

        A frame that the network cannot take, or gives NaN for, becomes a
        failure.
        """
        found: list = list(items)
        frames = [i for i, item in enumerate(items) if isinstance(item, Frame)]

        def shape(i: int) -> tuple[int, int]:
            return items[i].image.shape[:2]

        for size, group in groupby(sorted(frames, key=shape), key=shape):
            look = self._in_tiles if self.tiling.cuts(size) else self._whole
            group = list(group)
            results = _each(look, [items[i] for i in group])
            for i, result in zip(group, results, strict=True):
                found[i] = result
        return found

    def _whole(self, frames: list[Frame]) -> list[Prediction]:
        images = np.stack([self._pixels(frame) for frame in frames])
        return list(map(self._pack, frames, self._run(images)))

    def _in_tiles(self, frames: list[Frame]) -> list[Prediction]:
        shape = frames[0].image.shape[:2]
        tiles = cut_frame(shape, self.tiling, self.backend.stride)
        found = []
        for frame in frames:
            pixels = partial(self._pixels, frame)
            results = run_tiles(self._run, pixels, tiles, self.batch_size)
            if self.backend.task == 'segmentation':
                result = merge_maps(results, shape)
            else:
                result = merge_boxes(results, shape, self.threshold)
            found.append(self._pack(frame, result))
        return found

    def _pixels(
        self, frame: Frame, area: Span = (slice(None), slice(None))
    ) -> np.ndarray:
        """Only a tile of a large frame becomes three channels of floats."""
        return to_float(frame.image[area], frame.limits, self.backend.gray)

    def _run(self, images: np.ndarray) -> list[np.ndarray]:
        results = list(self.backend(images))
        if not all(np.isfinite(result).all() for result in results):
            raise ValueError(NOT_FINITE)
        return results

    def _pack(self, frame: Frame, result: np.ndarray) -> Prediction:
        if self.backend.task == 'segmentation':
            prob, targets = result, targets_of_map(result, self.threshold)
        else:
            sure = result[result[:, 4] >= self.threshold]
            prob, targets = None, targets_of_boxes(sure)
        found = dict(targets=targets, threshold=self.threshold, prob=prob)
        return Prediction(**frame._asdict(), **found)


def _each(look: Look, frames: list[Frame]) -> list[Prediction | Failure]:
    """Search frames together or, where that fails, one by one."""
    try:
        return look(frames)
    except ERRORS as error:
        if len(frames) == 1:
            return [_failure(frames[0], error)]
    return [result for frame in frames for result in _each(look, [frame])]


def _failure(frame: Frame, error: Exception) -> Failure:
    height, width = frame.image.shape[:2]
    where = '' if frame.index is None else f'#{frame.index}'
    where += f' ({height}x{width} px, height x width)'
    return Failure(frame.source, f'{frame.source}{where}: {first_line(error)}')
