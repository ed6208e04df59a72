"""Overlapping patches of an image, and the image from its patches."""

import numpy as np

MIN_SIDE = 7  # px of an image; less holds no target and its background
# px: above it half a patch is the stride, else a fifth. The time goes with up
# to the cube of the number of patches.
LARGE = 110_000


class PatchGrid:
    """Where the patches of an image lie; they are counted column by column.

    Starts are 0, s, 2s, ... and a last one at the border, so that every
    pixel is covered.

    Args:
        shape (tuple[int, int]): Height and width of the image, px.
        patch (int): Side of a patch, px; where the image is smaller, the
            patch is as large as the image.
        stride (int): px, at most `patch`.
    """

    def __init__(
        self, shape: tuple[int, int], patch: int, stride: int
    ) -> None:
        if not 1 <= stride <= patch:
            raise ValueError(
                f'need 1 <= stride <= patch, got stride={stride}, '
                f'patch={patch}'
            )
        self.shape = shape
        self.height, self.width = min(patch, shape[0]), min(patch, shape[1])
        self.tops = _starts(shape[0], self.height, stride)
        self.lefts = _starts(shape[1], self.width, stride)

    def __len__(self) -> int:
        return len(self.tops) * len(self.lefts)

    def split(self, image: np.ndarray) -> np.ndarray:
        """(H, W) -> (P, h, w), a copy."""
        windows = np.lib.stride_tricks.sliding_window_view(
            image, (self.height, self.width)
        )
        # Indexed one after the other, the second makes the copy.
        patches = windows[:, self.lefts].swapaxes(0, 1)[:, self.tops]
        return patches.reshape(-1, self.height, self.width)

    def join(self, patches: np.ndarray) -> np.ndarray:
        """(P, h, w) -> (H, W), the mean of the patches that cover a pixel."""
        out, count = np.zeros(self.shape), np.zeros(self.shape)
        corners = [(y, x) for x in self.lefts for y in self.tops]
        for (y, x), patch in zip(corners, patches, strict=True):
            here = slice(y, y + self.height), slice(x, x + self.width)
            out[here] += patch
            count[here] += 1
        return out / count

    def join_median(self, patches: np.ndarray) -> np.ndarray:
        """(P, h, w) -> (H, W), their median: one per rectangle they share."""
        patches = patches.reshape(
            len(self.lefts), len(self.tops), self.height, self.width
        )
        out = np.empty(self.shape)
        for top, bottom, rows in _intervals(self.tops, self.height):
            for left, right, columns in _intervals(self.lefts, self.width):
                covering = [
                    patches[j, i][
                        top - self.tops[i] : bottom - self.tops[i],
                        left - self.lefts[j] : right - self.lefts[j],
                    ]
                    for j in columns
                    for i in rows
                ]
                # np.median is slow on small arrays
                covering = np.sort(covering, axis=0)
                low, high = (len(covering) - 1) // 2, len(covering) // 2
                out[top:bottom, left:right] = (
                    covering[low] + covering[high]
                ) / 2
        return out


def grid_for(
    shape: tuple[int, int], patch: int, stride: int | None, least: int = 1
) -> PatchGrid:
    """Lay out the patches of a low-rank model.

    Without a stride it is a fifth of `patch`, on images of more than 0.11
    megapixels a half. Where there would be fewer than `least` patches, their
    side is at most two thirds of the image's smaller side, and their stride
    a sixth of the rest.
    """
    if min(shape) < MIN_SIDE:
        raise ValueError(
            f'low-rank methods need images of at least {MIN_SIDE} x '
            f'{MIN_SIDE} px, got {shape[0]} x {shape[1]} (height x width)'
        )
    if stride is None:
        stride = max(1, patch // (2 if shape[0] * shape[1] > LARGE else 5))
    grid = PatchGrid(shape, patch, stride)
    if len(grid) >= least:
        return grid
    side = min(patch, 2 * min(shape) // 3)
    rest = min(shape) - side
    return PatchGrid(shape, side, max(1, min(stride, rest // 6)))


def as_matrix(patches: np.ndarray) -> np.ndarray:
    """(P, h, w) -> (P, h * w), or its transpose where that is wider.

    Decompositions work on the smaller side.
    """
    rows = patches.reshape(len(patches), -1)
    wide = rows.shape[0] <= rows.shape[1]
    return rows if wide else np.ascontiguousarray(rows.T)


def as_patches(matrix: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Come back from :func:`as_matrix` to `shape`, (P, h, w)."""
    rows = matrix if len(matrix) == shape[0] else matrix.T
    return rows.reshape(shape)


def _starts(length: int, patch: int, stride: int) -> np.ndarray:
    return np.append(np.arange(0, length - patch, stride), length - patch)


def _intervals(starts: np.ndarray, size: int) -> list:
    """Runs of pixels that the same patches cover, and which those are."""
    cuts = np.union1d(starts, starts + size)
    return [
        (a, b, np.flatnonzero((starts <= a) & (starts + size >= b)))
        for a, b in zip(cuts[:-1], cuts[1:], strict=True)
    ]
