"""Where the cells of a prior lie in an image, whatever moved the image.

Each pixel of an image carries the place in the full image that it comes from.
Transforms move this field of coordinates as they move a mask, ours and mmseg's
alike. At the end each cell of the new prior looks up the place of its center
and takes the prior from there: as it is where the places are cells of the full
image's prior (crops at multiples of the stride, flips, quarter turns),
interpolated bilinearly elsewhere, once for all transforms.
"""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

# In cells: below this, places count as cells and are not interpolated.
ALIGNED = 1e-4


def vfm_input_size(
    size: tuple[int, int], stride: int, input_scale: float
) -> tuple[int, int]:
    """Size at which the VFM sees an image of `size` px, (height, width).

    Those are the nearest multiples of its largest stride, not zero.
    """
    height, width = (
        max(1, round(side * input_scale / stride)) * stride for side in size
    )
    return height, width


def map_shapes(
    size: tuple[int, int], strides: Sequence[int], input_scale: float
) -> list[tuple[int, int]]:
    """Height and width in cells of the maps of an image of `size` px.

    ``strides`` are those of the maps at input scale 1.
    """
    height, width = vfm_input_size(size, max(strides), input_scale)
    return [(height // stride, width // stride) for stride in strides]


def coordinates(size: tuple[int, int]) -> np.ndarray:
    """Coordinates of an image's own pixels, for an image of (H, W) px.

    Returns:
        np.ndarray: (H, W, 2) float32, row + 1 and -(column + 1): no fill
        value that a transform puts outside of the image, such as 0 or 255,
        has the signs of a place in it.
    """
    field = np.empty((*size, 2), np.float32)
    field[..., 0] = np.arange(1, size[0] + 1)[:, None]
    field[..., 1] = -np.arange(1, size[1] + 1)
    return field


def places(field: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Read a field (..., 2) of :func:`coordinates`.

    Returns:
        tuple[np.ndarray, np.ndarray]: Rows and columns in px, (..., 2), and
        (...) bool, False where a transform has filled in other values.
    """
    inside = (field[..., 0] > 0) & (field[..., 1] < 0)
    return np.abs(field) - 1, inside


def resample(
    maps: Sequence[Tensor],
    size: tuple[int, int],
    field: np.ndarray,
    shapes: Sequence[tuple[int, int]],
) -> list[Tensor]:
    """Move a prior as its image was moved.

    Args:
        maps (Sequence[Tensor]): Of the full image, each (C, h, w).
        size (tuple[int]): Height and width of the full image in px.
        field (np.ndarray): :func:`coordinates` of the full image after the
            transforms, (H', W', 2).
        shapes (Sequence[tuple[int]]): Height and width of each new map.

    Returns:
        list[Tensor]: Each (C, h', w') of its map's type; 0 where most of a
        cell's center lies outside of the full image.
    """
    shapes = [tuple(shape) for shape in shapes]
    # the layers of a ViT share one
    centers = {shape: _centers(field, shape) for shape in set(shapes)}
    return [
        _sample_one(one, size, *centers[shape])
        for one, shape in zip(maps, shapes, strict=True)
    ]


def _centers(
    field: np.ndarray, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Places (h, w, 2) of the cells' centers in px, and if they are inside.

    Most lie between pixels and are the mean of up to four of them.
    """
    rows, row_weights = _neighbors(field.shape[0], shape[0])
    columns, column_weights = _neighbors(field.shape[1], shape[1])
    found, inside = places(field[rows][:, columns].astype(np.float64))
    weights = np.outer(row_weights, column_weights) * inside
    four = (2, shape[0], 2, shape[1])
    total = weights.reshape(four).sum((0, 2))
    place = (weights[..., None] * found).reshape(*four, 2).sum((0, 2))
    return place / np.maximum(total, 1e-9)[..., None], total >= 0.5


def _neighbors(pixels: int, cells: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixels before each cell's center, then those behind; their weights."""
    # from edges, where sizes are measured, to centers: half a pixel
    centers = (np.arange(cells) + 0.5) * pixels / cells - 0.5
    centers = centers.clip(0, pixels - 1)
    before = np.floor(centers).astype(int)
    behind = np.minimum(before + 1, pixels - 1)
    share = centers - before
    return np.append(before, behind), np.append(1 - share, share)


def _sample_one(
    one: Tensor, size: tuple[int, int], place: np.ndarray, inside: np.ndarray
) -> Tensor:
    cells = np.array(one.shape[-2:])
    cell = (place + 0.5) * (cells / np.array(size)) - 0.5
    nearest = np.rint(cell).clip(0, cells - 1)
    if np.abs(cell - nearest)[inside].max(initial=0) < ALIGNED:
        index = torch.from_numpy(nearest.astype(np.int64))
        moved = one[:, index[..., 0], index[..., 1]]
    else:
        # grid_sample's own coordinates: -1 and 1 are the outer borders
        grid = torch.from_numpy(((2 * cell + 1) / cells - 1)[..., ::-1].copy())
        moved = F.grid_sample(
            one[None].float(),
            grid[None].float(),
            padding_mode='border',
            align_corners=False,
        )[0].to(one.dtype)
    return moved.where(torch.from_numpy(inside), moved.new_zeros(()))
