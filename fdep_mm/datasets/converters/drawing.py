"""Masks from the labels of other formats."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from fdep_mm.core.suffixes import IMAGE_SUFFIXES

from ..folders import Folder
from .coco import decode, read_coco
from .images import find_image, image_shape
from .labels import ImageLabels
from .points import read_points
from .regions import boxes_to_mask, points_to_mask
from .voc import read_voc
from .yolo import read_yolo

Labels = ImageLabels | Path | np.ndarray | None
SUFFIXES = {'voc': '.xml', 'sirst-v2': '.xml', 'yolo': '.txt'}


def list_labels(
    source: Path, kind: str, images: Path | None
) -> Iterator[tuple[str, Labels]]:
    """Images that have labels of some format, or none.

    Args:
        source (Path): JSON file for 'coco', CSV file for 'points', a folder
            for the others.
        kind (str): 'coco', 'points', 'voc', 'sirst-v2' or 'yolo'.
        images (Path, optional): Folder of images.

    Yields:
        tuple: Image id, and what :func:`draw_labels` needs: labels, or the
        file that holds them. None stands for an image that a folder has no
        file for.

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
    if not source.is_dir():
        raise ValueError(f'{source}: no such folder')
    every = Folder(images, IMAGE_SUFFIXES)
    files = [
        path
        for path in sorted(source.rglob(f'*{SUFFIXES[kind]}'))
        # names of YOLO's classes, beside the labels
        if path.name != 'classes.txt' or every.find('classes')[0]
    ]
    if not files:
        raise ValueError(f'{source}: holds no *{SUFFIXES[kind]} file')
    found = {
        path.relative_to(source).with_suffix('').as_posix(): path
        for path in files
    }
    yield from found.items()
    for image_id in every.ids():
        if image_id not in found:
            yield image_id, None


def draw_labels(
    image_id: str,
    labels: Labels,
    kind: str,
    images: Path | None,
    fill: str | None = None,
    radius: int = 0,
    contour: bool = False,
) -> np.ndarray:
    """Mask of one image from its labels.

    Args:
        image_id (str): Of the image.
        labels (Labels): From :func:`list_labels`; None for no target.
        kind (str): The format.
        images (Path, optional): Folder of images.
        fill (str, optional): 'box' or 'ellipse'. Defaults to None: the
            segmentation of each target that has one, else 'box'.
        radius (int): Of points in px.
        contour (bool): Of polygons, see :func:`.polygons_to_mask`.

    Returns:
        np.ndarray: uint8 (H, W) {0, 1}.

    Raises:
        ValueError: The labels cannot be read, one lies outside the image,
            or the image is missing.
    """
    if kind == 'points':
        shape = image_shape(find_image(images, image_id))
        return points_to_mask(labels, shape, radius)
    found = read_labels(image_id, labels, kind, images)
    codes = found.segmentations if fill is None else None
    codes = codes or [None] * len(found.boxes)
    boxed = np.array([not code for code in codes], bool)
    mask = boxes_to_mask(found.boxes[boxed], found.shape, fill or 'box')
    for code in filter(None, codes):
        mask |= decode(code, found.shape, contour)
    return mask


def read_labels(
    image_id: str, labels: Labels, kind: str, images: Path | None
) -> ImageLabels:
    """Boxes of one image.

    Args:
        image_id (str): Of the image.
        labels (Labels): From :func:`list_labels`; None for no target.
        kind (str): The format, not 'points'.
        images (Path, optional): Folder of images.

    Returns:
        ImageLabels: With segmentations where COCO files have them.

    Raises:
        ValueError: The labels cannot be read, or the image is missing.
    """
    if isinstance(labels, ImageLabels):
        return labels
    image = find_image(images, image_id)
    shape = image_shape(image)
    if labels is None:
        boxes = np.zeros((0, 4))
    elif kind == 'yolo':
        # fractions of nine digits: a border must not be crossed by rounding
        boxes = read_yolo(labels, shape).round(4)
    else:
        boxes = read_voc(labels, kind)
    name = image.relative_to(images).as_posix()
    return ImageLabels(image_id, name, shape, boxes)
