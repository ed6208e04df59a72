"""Large frames in overlapping tiles, and seamless results of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby, product
from typing import NamedTuple

import numpy as np

Span = tuple[slice, slice]


@dataclass(frozen=True)
class Tiling:
    """How large frames are cut, in px."""

    size: int = 512  # side of a tile
    # what two neighbors share; each pixel is taken from a tile that reaches at
    # least half of this beyond it, or to the border of the frame
    overlap: int = 128
    above: int = 1024  # frames whose longer side exceeds this are cut

    def __post_init__(self) -> None:
        if not 0 <= self.overlap < self.size or self.above < 1:
            raise ValueError(
                f'tile_size={self.size}, overlap={self.overlap}, '
                f'tile_above={self.above}: give a positive size and limit, '
                'and an overlap from 0 to below the size'
            )

    def cuts(self, shape: tuple[int, int]) -> bool:
        """Whether frames of this height and width are cut."""
        return max(shape) > self.above


class Tile(NamedTuple):
    """A part of a frame, and the core of it that the tile answers for.

    The cores of all tiles cover the frame once.
    """

    area: Span
    core: Span

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of what the network sees."""
        return tuple(s.stop - s.start for s in self.area)

    @property
    def inner(self) -> Span:
        """The core, in the tile's own coordinates."""
        return tuple(
            slice(c.start - a.start, c.stop - a.start)
            for c, a in zip(self.core, self.area, strict=True)
        )


def cut_axis(
    length: int, size: int, overlap: int, stride: int
) -> list[tuple[slice, slice]]:
    """Cut an axis into tiles that begin at multiples of `stride`.

    Returns what each tile sees and what it answers for. Size and overlap, px,
    are lower bounds. The last tile is shifted to end where the padded axis
    ends, so that all are of one size once padded.
    """
    size, overlap, padded = (
        -(-n // stride) * stride for n in (size, overlap, length)
    )
    step = max(stride, size - overlap)
    size = step + overlap
    last = max(0, padded - size)
    starts = [*range(0, last, step), last]
    cuts = [
        (start + size + following) // 2
        for start, following in zip(starts, starts[1:], strict=False)
    ]
    cores = zip([0, *cuts], [*cuts, length], strict=True)
    return [
        (slice(start, min(start + size, length)), slice(*core))
        for start, core in zip(starts, cores, strict=True)
    ]


def cut_frame(
    shape: tuple[int, int], tiling: Tiling, stride: int
) -> list[Tile]:
    """Cut a frame into tiles, row by row, whatever the limit."""
    rows, cols = (
        cut_axis(n, tiling.size, tiling.overlap, stride) for n in shape
    )
    return [
        Tile((row, col), (core_row, core_col))
        for (row, core_row), (col, core_col) in product(rows, cols)
    ]


def run_tiles(
    run: Callable[[np.ndarray], np.ndarray | list[np.ndarray]],
    pixels: Callable[[Span], np.ndarray],
    tiles: list[Tile],
    batch_size: int,
) -> Iterator[tuple[Tile, np.ndarray]]:
    """Run a network on tiles (h, w, 3), in batches of one size."""
    by_shape = sorted(tiles, key=lambda tile: tile.shape)
    for _, group in groupby(by_shape, key=lambda tile: tile.shape):
        group = list(group)
        for start in range(0, len(group), batch_size):
            batch = group[start : start + batch_size]
            images = np.stack([pixels(tile.area) for tile in batch])
            yield from zip(batch, run(images), strict=True)


def merge_maps(
    results: Iterator[tuple[Tile, np.ndarray]], shape: tuple[int, int]
) -> np.ndarray:
    """Merge maps of tiles to (H, W), each pixel from one core."""
    merged = np.empty(shape, np.float32)
    for tile, found in results:
        merged[tile.core] = found[tile.inner]
    return merged
