"""Images that are, or look like, other images."""

from collections.abc import Iterator

import numpy as np
from scipy.sparse import csr_array, vstack
from scipy.sparse.csgraph import connected_components

BLOCK = 2048


def best_matches(
    queries: np.ndarray, gallery: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The most similar image of a gallery (N, D) for each query (M, D).

    Thumbnails have length 1. Returns indices into the gallery, (M,), and
    normalized correlations, (M,) in -1..1.
    """
    index = np.empty(len(queries), np.intp)
    value = np.empty(len(queries), np.float32)
    for rows, products in _products(queries, gallery):
        index[rows] = products.argmax(axis=1)
        value[rows] = products.max(axis=1)
    return index, value


def similar_groups(thumbnails: np.ndarray, threshold: float) -> np.ndarray:
    """Number groups of images that are linked by similar pairs.

    Takes thumbnails (N, D) of length 1; returns the number of each image's
    group, (N,) from 0. Images of different groups are never similar.
    """
    blocks = [
        csr_array(products > threshold)
        for _, products in _products(thumbnails, thumbnails)
    ]
    return connected_components(vstack(blocks), directed=False)[1]


def _products(
    queries: np.ndarray, gallery: np.ndarray
) -> Iterator[tuple[slice, np.ndarray]]:
    for start in range(0, len(queries), BLOCK):
        rows = slice(start, min(start + BLOCK, len(queries)))
        yield rows, queries[rows] @ gallery.T
