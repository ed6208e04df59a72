"""A network over a batch of frames of any sizes."""

from functools import partial
from itertools import groupby

import numpy as np

from fdep_mm.image import to_float

from .backend import Backend
from .box_merging import merge_boxes
from .inputs import Failure, Frame
from .results import Prediction, targets_of_boxes, targets_of_map
from .tiling import Span, Tiling, cut_frame, merge_maps, run_tiles


def search(
    backend: Backend,
    items: list[Frame | Failure],
    threshold: float,
    tiling: Tiling,
    batch_size: int,
) -> list[Prediction | Failure]:
    """Search frames, those of one size together and large ones in tiles.

    Args:
        backend (Backend): The network.
        items (list[Frame | Failure]): Failures are passed on.
        threshold (float): Probability or score.
        tiling (Tiling): How large frames are cut.
        batch_size (int): Images or tiles that the network gets at a time.

    Returns:
        list[Prediction | Failure]: In the order of `items`.
    """
    found: list = list(items)
    frames = [i for i, item in enumerate(items) if isinstance(item, Frame)]

    def shape(i: int) -> tuple[int, int]:
        return items[i].image.shape[:2]

    for size, group in groupby(sorted(frames, key=shape), key=shape):
        group = list(group)
        if max(size) > tiling.above:
            raw = (
                _in_tiles(backend, items[i], threshold, tiling, batch_size)
                for i in group
            )
        else:
            raw = backend(
                np.stack([_pixels(backend, items[i]) for i in group])
            )
        for i, result in zip(group, raw, strict=True):
            found[i] = _pack(backend.task, items[i], result, threshold)
    return found


def _in_tiles(
    backend: Backend,
    frame: Frame,
    threshold: float,
    tiling: Tiling,
    batch_size: int,
) -> np.ndarray:
    shape = frame.image.shape[:2]
    tiles = cut_frame(shape, tiling, backend.stride)
    pixels = partial(_pixels, backend, frame)
    results = run_tiles(backend, pixels, tiles, batch_size)
    if backend.task == 'segmentation':
        return merge_maps(results, shape)
    return merge_boxes(results, shape, threshold)


def _pixels(
    backend: Backend, frame: Frame, area: Span = (slice(None), slice(None))
) -> np.ndarray:
    """Only a tile of a large frame becomes three channels of floats."""
    return to_float(
        frame.image[area], backend.max_value, backend.grey, frame.source
    )


def _pack(
    task: str, frame: Frame, result: np.ndarray, threshold: float
) -> Prediction:
    if task == 'segmentation':
        targets = targets_of_map(result, threshold)
    else:
        targets = targets_of_boxes(result[result[:, 4] >= threshold])
    return Prediction(
        name=frame.name,
        source=frame.source,
        image=frame.image,
        targets=targets,
        threshold=threshold,
        prob=result if task == 'segmentation' else None,
        index=frame.index,
        fps=frame.fps,
    )
