"""Facet kernel and random walker (FKRW).

Qin, Bruzzone, Gao, Li, *Infrared small target detection based on facet kernel
and random walker*, IEEE TGRS 57(9), 2019.

Differences from the public code: pixels of exactly 1.0 are no background
seeds. The smoothing by 2x2 pixels (a pixel and its right and lower
neighbors) moves the maximum of a spot by up to one pixel up and left.
"""

import cv2
import numpy as np
from scipy.linalg import solveh_banded

from .score import score_map

FACET = np.array(
    [
        (-4, -1, 0, -1, -4),
        (-1, 2, 3, 2, -1),
        (0, 3, 4, 3, 0),
        (-1, 2, 3, 2, -1),
        (-4, -1, 0, -1, -4),
    ],
    np.float64,
)
RADIUS = 5  # of the walk: 11 x 11 px
INNER = 2 * RADIUS - 1  # its border is background, 9 x 9 px are open
SIDE = INNER + 2
CENTER = INNER**2 // 2
# MATLAB's disk of radius 2: a square of 5 px without its corners.
DISK = np.ones((5, 5), np.uint8)
DISK[::4, ::4] = 0


@score_map
def fkrw(
    image: np.ndarray,
    k: float = 4.0,
    beta: float = 200.0,
    power: float = 6.0,
    eps: float = 1e-5,
) -> np.ndarray:
    """Facet response times the contrast of a region grown by random walks.

    The border is mirrored: a target 2 or 3 px from it, or in a corner, may
    take its own mirror image for surroundings, and is lost.

    Args:
        k (float): Candidates are where the facet response is at least its mean
            plus k standard deviations.
        beta, eps (float): Edge weights are ``exp(-beta * difference) + eps``,
            of gray levels in 0..1.
        power (float): Of the heterogeneity.
    """
    smooth = _smooth(image / 255)
    facet = cv2.filter2D(smooth, -1, FACET, borderType=cv2.BORDER_REFLECT_101)
    chosen = facet >= facet.mean() + k * facet.std(ddof=1)
    pad = (RADIUS,) * 4
    padded = cv2.copyMakeBorder(smooth, *pad, cv2.BORDER_REFLECT_101)
    ys, xs = np.nonzero(chosen)
    order = np.argsort(-smooth[ys, xs], kind='stable')
    ys, xs = ys[order], xs[order]
    walker = RandomWalker(padded, beta, eps)
    value, decided = np.zeros_like(padded), np.zeros(padded.shape, bool)
    for y, x in zip(ys, xs, strict=True):
        if decided[y + RADIUS, x + RADIUS]:
            continue
        here = slice(y, y + SIDE), slice(x, x + SIDE)
        prob = walker.probability(y, x)
        region = prob >= 0.5
        new = region & ~decided[here]
        value[here][new] = _contrast(padded[here], prob, region, power)
        decided[here] |= region
    value = value[RADIUS:-RADIUS, RADIUS:-RADIUS] * facet
    return value.clip(0) / (value.max() + 1e-6)


def _smooth(image: np.ndarray) -> np.ndarray:
    """Cut single bright pixels, then average 2x2."""
    ring = np.ones((3, 3), np.uint8)
    ring[1, 1] = 0
    image = np.minimum(image, cv2.dilate(image, ring))
    padded = np.pad(image, ((0, 1), (0, 1)), mode='edge')
    return (
        padded[:-1, :-1] + padded[1:, :-1] + padded[:-1, 1:] + padded[1:, 1:]
    ) / 4


def _contrast(
    patch: np.ndarray, prob: np.ndarray, region: np.ndarray, power: float
) -> float:
    """Center probability times heterogeneity of a region."""
    size = np.count_nonzero(region)
    if size == 1:
        return 0.0
    inside = prob[region].sum() - 1
    outside = prob.sum() - inside
    probability = inside / (size - 1) / (outside / (prob.size - size + 1))
    once = cv2.dilate(region.view(np.uint8), DISK)
    ring = cv2.dilate(once, DISK) > once
    if not ring.any():
        return 0.0
    mean, brightest = patch[region].mean(), patch[ring].max()
    if mean <= brightest or brightest <= 0:
        return 0.0
    return probability * (mean / brightest) ** power


class RandomWalker:
    """Probability that a walk ends at a pixel, not 5 px away from it.

    The 81 open pixels around a center form a grid, so their equations are a
    symmetric matrix of bandwidth 9, which one banded solve takes. The image,
    (H + 10, W + 10) in 0..1, is padded by 5 px.
    """

    def __init__(self, image: np.ndarray, beta: float, eps: float) -> None:
        self.down = np.exp(-beta * np.abs(np.diff(image, axis=0))) + eps
        self.right = np.exp(-beta * np.abs(np.diff(image, axis=1))) + eps

    def probability(self, y: int, x: int) -> np.ndarray:
        """(11, 11) around one pixel: 1 at the center, 0 at the border."""
        down = self.down[y : y + SIDE - 1, x + 1 : x + SIDE - 1]
        right = self.right[y + 1 : y + SIDE - 1, x : x + SIDE - 1]
        band = np.zeros((INNER + 1, INNER**2))  # lower form
        band[0] = (down[:-1] + down[1:] + right[:, :-1] + right[:, 1:]).ravel()
        to_right = band[1].reshape(INNER, INNER)
        to_right[:, :-1] = -right[:, 1:-1]
        band[INNER, :-INNER] = -down[1:-1].ravel()
        # The center is known: its column goes to the right-hand side.
        known = np.zeros(INNER**2)
        for step in (1, INNER):
            for column, other in (
                (CENTER, CENTER + step),
                (CENTER - step, CENTER - step),
            ):
                known[other] = -band[step, column]
                band[step, column] = 0
        band[0, CENTER] = known[CENTER] = 1
        open_pixels = solveh_banded(
            band, known, overwrite_ab=True, lower=True, check_finite=False
        )
        prob = np.zeros((SIDE, SIDE))
        prob[1:-1, 1:-1] = open_pixels.reshape(INNER, INNER)
        prob[RADIUS, RADIUS] = 1  # rounding must not lose the center
        return prob
