"""Images that are, or look like, other images."""

from collections.abc import Iterator

import numpy as np
from scipy.sparse import coo_array
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
    count = len(thumbnails)
    groups = np.arange(count)
    for rows, products in _products(thumbnails, thumbnails):
        one, other = np.nonzero(products > threshold)
        # Links found so far as one link per image: memory stays bounded
        # where thousands of video frames resemble each other.
        one = np.concatenate([one + rows.start, np.arange(count)])
        other = np.concatenate([other, groups])
        graph = coo_array(
            (np.ones(len(one), bool), (one, other)), shape=(count, count)
        )
        labels = connected_components(graph, directed=False)[1]
        first = np.unique(labels, return_index=True)[1]
        groups = first[labels]
    return np.unique(groups, return_inverse=True)[1]


def _products(
    queries: np.ndarray, gallery: np.ndarray
) -> Iterator[tuple[slice, np.ndarray]]:
    for start in range(0, len(queries), BLOCK):
        rows = slice(start, min(start + BLOCK, len(queries)))
        yield rows, queries[rows] @ gallery.T
