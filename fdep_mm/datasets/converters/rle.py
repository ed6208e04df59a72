"""COCO's uncompressed run-length code of masks."""

import numpy as np


def encode_rle(mask: np.ndarray) -> dict:
    """Encode a mask as lists of run lengths.

    Args:
        mask (np.ndarray): (H, W); everything that is not 0 is target.

    Returns:
        dict: ``size`` [H, W] and ``counts``, lengths of runs of 0, 1, 0, ...
        down the columns, as COCO defines them.
    """
    flat = (np.asarray(mask) != 0).ravel(order='F')
    changes = np.flatnonzero(np.diff(flat)) + 1
    edges = np.concatenate([[0], changes, [flat.size]])
    counts = np.diff(edges).tolist()
    if flat[0]:
        counts.insert(0, 0)
    return dict(size=list(mask.shape), counts=counts)


def check_rle(rle: dict, shape: tuple[int, int]) -> None:
    """Check a segmentation that comes from a file.

    Args:
        rle (dict): ``size`` and ``counts``.
        shape (tuple[int, int]): Height and width that it must have.

    Raises:
        ValueError: It is compressed, of another size, or its runs do not add
            up.
    """
    counts = rle.get('counts')
    if not isinstance(counts, list):
        raise ValueError(
            'a segmentation is compressed; write it with run lengths as a '
            'list, or take the segmentations out to draw the boxes'
        )
    if list(rle.get('size', ())) != list(shape):
        raise ValueError(
            f'a segmentation has size {rle.get("size")}, its image '
            f'{list(shape)} (height, width)'
        )
    runs = np.array(counts, np.int64)
    if (runs < 0).any() or runs.sum() != shape[0] * shape[1]:
        raise ValueError(
            f'the runs of a segmentation add up to {runs.sum()} px instead '
            f'of {shape[0]}x{shape[1]}'
        )


def decode_rle(rle: dict) -> np.ndarray:
    """Decode what :func:`encode_rle` wrote.

    Args:
        rle (dict): ``size`` and ``counts``, see :func:`check_rle`.

    Returns:
        np.ndarray: uint8 (H, W) {0, 1}.
    """
    values = np.arange(len(rle['counts']), dtype=np.uint8) % 2
    flat = np.repeat(values, rle['counts'])
    return flat.reshape(rle['size'], order='F')
