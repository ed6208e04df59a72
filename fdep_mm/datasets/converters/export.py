"""Labels of a data set in other formats, from its mask files."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from scipy import ndimage

from fdep_mm.core.boxes import check_boxes, mask_boxes
from fdep_mm.core.components import STRUCTURES
from fdep_mm.core.image import decode_pages, to_float
from fdep_mm.core.masks import read_mask

from ..folders import Sample
from .coco import to_coco
from .images import image_shape
from .labels import ImageLabels
from .points import write_points
from .regions import mask_centroids, points_to_mask
from .rle import encode_rle
from .voc import format_voc
from .yolo import format_yolo

Read = TypeVar('Read')

# One file per split, and one per image.
SPLIT_FORMATS = ('coco', 'points')
IMAGE_FORMATS = {
    'voc': '.xml',
    'sirst-v2': '.xml',
    'yolo': '.txt',
    'point-masks': '.png',
}


def export_labels(
    samples: Sequence[Sample],
    splits: Sequence[str],
    images: Path,
    kind: str,
    out: Path,
    weighted: bool = False,
) -> list[str]:
    """Write the targets of masks as boxes or points.

    Args:
        samples (Sequence[Sample]): Images with masks.
        splits (Sequence[str]): Names of the splits to write, for formats with
            one file per split.
        images (Path): Folder of the images; names are relative to it.
        kind (str): A member of ``SPLIT_FORMATS`` or ``IMAGE_FORMATS``.
        out (Path): Folder to write into; made if it is missing.
        weighted (bool): Weigh pixels by grey value in centroids.

    Returns:
        list[str]: What was left out and why, one line per image.

    Raises:
        OSError: The folder cannot be written.
        ValueError: Another kind.
    """
    if kind not in SPLIT_FORMATS and kind not in IMAGE_FORMATS:
        known = ', '.join((*SPLIT_FORMATS, *IMAGE_FORMATS))
        raise ValueError(f'format {kind!r}: give one of {known}')
    out.mkdir(parents=True, exist_ok=True)
    problems: list[str] = []

    if kind == 'points':
        read = partial(_read_centroids, weighted=weighted)
    elif kind == 'point-masks':
        read = partial(_read_point_mask, weighted=weighted)
    else:
        read = partial(_read_labels, images=images)
    if kind in IMAGE_FORMATS:
        for sample, found in _read(samples, read, problems):
            if kind == 'point-masks':
                write_mask(out / f'{sample.image_id}.png', found)
            else:
                write_labels([found], kind, out, '')
    else:
        for split in splits:
            own = [sample for sample in samples if split in sample.splits]
            _write_split(out / split, _read(own, read, problems), kind)
    # An image of two splits is read twice.
    return list(dict.fromkeys(problems))


def read_sized_mask(sample: Sample) -> np.ndarray:
    """Read a mask and compare its size with that of its image.

    Returns:
        np.ndarray: uint8 (H, W) {0, 1}.

    Raises:
        ValueError: One of them cannot be read, the mask holds other values
            than {0, 1} or {0, 255}, or they differ in size.
    """
    mask = read_mask(sample.mask)
    if (shape := image_shape(sample.image)) != mask.shape:
        raise ValueError(
            f'{sample.mask}: is {mask.shape}, its image {shape} (height, '
            'width); replace one of the two'
        )
    return mask


def mask_labels(
    mask: np.ndarray, image_id: str, file_name: str
) -> ImageLabels:
    """Box and exact mask of each target of a mask.

    Args:
        mask (np.ndarray): (H, W); everything that is not 0 is target.
        image_id (str): Of the image.
        file_name (str): Of the image, with suffix.

    Returns:
        ImageLabels: 8-connected components in raster order.
    """
    labels, number = ndimage.label(mask, STRUCTURES[8])
    codes = [encode_rle(labels == index) for index in range(1, number + 1)]
    boxes = mask_boxes(mask)
    return ImageLabels(image_id, file_name, mask.shape, boxes, codes)


def _read(
    samples: Sequence[Sample],
    function: Callable[[Sample], Read],
    problems: list[str],
) -> Iterator[tuple[Sample, Read]]:
    """Read file after file; what cannot be read is noted and left out."""
    for sample in samples:
        try:
            result = function(sample)
        except (ValueError, OSError) as error:
            problems.append(str(error))
        else:
            yield sample, result


def _read_labels(sample: Sample, images: Path) -> ImageLabels:
    name = sample.image.relative_to(images).as_posix()
    return mask_labels(read_sized_mask(sample), sample.image_id, name)


def _read_centroids(
    sample: Sample, weighted: bool
) -> tuple[np.ndarray, tuple[int, int]]:
    """Centroids, (G, 2) px, and height and width of the image."""
    mask = read_sized_mask(sample)
    grey = None
    if weighted:
        name = str(sample.image)
        pages = decode_pages(sample.image.read_bytes(), name)
        grey = to_float(pages[0], name=name)[..., 0]
    return mask_centroids(mask, grey), mask.shape


def _read_point_mask(sample: Sample, weighted: bool) -> np.ndarray:
    """One pixel of 1 per target, uint8 (H, W)."""
    centres, shape = _read_centroids(sample, weighted)
    try:
        return points_to_mask(centres, shape)
    except ValueError as error:
        raise ValueError(f'{sample.mask}: {error}') from error


def _write_split(
    stem: Path, found: Iterator[tuple[Sample, Read]], kind: str
) -> None:
    if kind == 'points':
        points = {sample.image_id: centres for sample, (centres, _) in found}
        write_points(stem.with_name(f'{stem.name}.csv'), points)
    else:
        write_labels((one for _, one in found), kind, stem.parent, stem.name)


def write_labels(
    found: Iterable[ImageLabels], kind: str, out: Path, name: str
) -> None:
    """Write boxes in one of the formats.

    Args:
        found (Iterable[ImageLabels]): Labels, image by image.
        kind (str): 'coco', 'voc', 'sirst-v2' or 'yolo'.
        out (Path): Folder; made if it is missing.
        name (str): Of the file, without suffix, where there is one for all.

    Raises:
        OSError: It cannot be written.
        ValueError: A box is empty, inverted, or not wholly in its image.
    """
    found = list(found)
    for image in found:
        check_boxes(image.boxes, image.shape, image.file_name)
    texts = {
        out / f'{image.image_id}{IMAGE_FORMATS.get(kind)}': format_yolo(
            image.boxes, image.shape
        )
        if kind == 'yolo'
        else format_voc(image, kind)
        for image in found
        if kind != 'coco'
    }
    if kind == 'coco':
        texts[out / f'{name}.json'] = json.dumps(to_coco(found)) + '\n'
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding='utf-8')


def write_mask(path: Path, mask: np.ndarray) -> None:
    """Write a mask of {0, 1} as a PNG file of {0, 255}.

    Args:
        path (Path): The file; folders are made.
        mask (np.ndarray): (H, W).

    Raises:
        OSError: It cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), mask * 255):
        raise OSError(f'{path}: cannot be written')
