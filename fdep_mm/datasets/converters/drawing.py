"""Masks from the labels of other formats."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from .coco import read_coco
from .images import find_image, image_shape
from .labels import ImageLabels
from .points import read_points
from .regions import boxes_to_mask, points_to_mask
from .rle import decode_rle
from .voc import read_voc
from .yolo import read_yolo

SUFFIXES = {'voc': '.xml', 'sirst-v2': '.xml', 'yolo': '.txt'}


def list_labels(
    source: Path, kind: str, images: Path | None
) -> Iterator[tuple[str, ImageLabels | Path | np.ndarray]]:
    """Images that have labels of some format.

    Args:
        source (Path): JSON file for 'coco', CSV file for 'points', a folder
            for the others.
        kind (str): 'coco', 'points', 'voc', 'sirst-v2' or 'yolo'.
        images (Path, optional): Folder of images.

    Yields:
        tuple: Image id, and what :func:`draw_labels` needs.

    Raises:
        ValueError: The source cannot be read or is empty, or the image folder
            is needed and missing.
    """
    if kind == 'coco':
        for labels in read_coco(source):
            yield labels.image_id, labels
        return
    if images is None or not images.is_dir():
        raise ValueError(
            f'{images}: no such folder; name it with --images, {kind} labels '
            'do not tell the sizes of the images reliably'
        )
    if kind == 'points':
        yield from read_points(source).items()
        return
    files = sorted(source.rglob(f'*{SUFFIXES[kind]}'))
    if not files:
        raise ValueError(f'{source}: holds no *{SUFFIXES[kind]} file')
    for path in files:
        yield path.relative_to(source).with_suffix('').as_posix(), path


def draw_labels(
    image_id: str,
    labels: ImageLabels | Path | np.ndarray,
    kind: str,
    images: Path | None,
    fill: str | None = None,
    radius: int = 0,
) -> np.ndarray:
    """Mask of one image from its labels.

    Args:
        image_id (str): Of the image.
        labels (ImageLabels | Path | np.ndarray): From :func:`list_labels`.
        kind (str): The format.
        images (Path, optional): Folder of images.
        fill (str, optional): 'box' or 'ellipse'. Defaults to None: the
            segmentation where there is one, else 'box'.
        radius (int): Of points in px. Defaults to 0.

    Returns:
        np.ndarray: uint8 (H, W) {0, 1}.

    Raises:
        ValueError: The labels cannot be read, or the image is missing.
    """
    if isinstance(labels, ImageLabels):
        if labels.segmentations is not None and fill is None:
            mask = np.zeros(labels.shape, np.uint8)
            for rle in labels.segmentations:
                mask |= decode_rle(rle)
            return mask
        return boxes_to_mask(labels.boxes, labels.shape, fill or 'box')
    shape = image_shape(find_image(images, image_id))
    if kind == 'points':
        return points_to_mask(labels, shape, radius)
    if kind == 'yolo':
        boxes = read_yolo(labels, shape)
    else:
        boxes = read_voc(labels, kind)
    return boxes_to_mask(boxes, shape, fill or 'box')
