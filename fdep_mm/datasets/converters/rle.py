"""COCO's run-length code of masks."""

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


def read_rle(rle: dict, shape: tuple[int, int]) -> dict:
    """Check a segmentation that comes from a file, and decompress it.

    Raises:
        ValueError: It is of another size, or its runs are none or do not add
            up.
    """
    counts = rle.get('counts')
    if isinstance(counts, str):
        counts = _decompress(counts)
    if list(rle.get('size', ())) != list(shape):
        raise ValueError(
            f'a segmentation has size {rle.get("size")}, its image '
            f'{list(shape)} (height, width)'
        )
    runs = np.array(counts, np.int64).ravel()
    if (runs < 0).any() or runs.sum() != shape[0] * shape[1]:
        raise ValueError(
            f'the runs of a segmentation add up to {runs.sum()} px instead '
            f'of {shape[0]}x{shape[1]}'
        )
    return dict(size=list(shape), counts=runs.tolist())


def _decompress(text: str) -> list[int]:
    """Runs of COCO's text.

    Each character holds five bits of a number, the lowest first, and whether
    there are more. From the fourth on, numbers are differences to the one
    before the last.
    """
    runs: list[int] = []
    value = shift = 0
    for character in text:
        code = ord(character) - 48
        value |= (code & 31) << shift
        shift += 5
        if code & 32:
            continue
        if code & 16:  # the sign
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    return runs


def decode_rle(rle: dict) -> np.ndarray:
    """Decode what :func:`encode_rle` wrote.

    Args:
        rle (dict): ``size`` and ``counts``, see :func:`read_rle`.

    Returns:
        np.ndarray: uint8 (H, W) {0, 1}.
    """
    values = np.arange(len(rle['counts']), dtype=np.uint8) % 2
    flat = np.repeat(values, rle['counts'])
    return flat.reshape(rle['size'], order='F')
