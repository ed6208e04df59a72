"""The labels of each format, image by image."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from fdep_mm.core.gray import gray_limits, to_float
from fdep_mm.core.image import decode_pages
from fdep_mm.core.suffixes import IMAGE_SUFFIXES

from ..folders import Folder, Sample
from ..image_files import image_shape, read_sized_mask
from ..sirst_xml import parse_boxes
from .coco import read_coco
from .labels import ImageLabels, mask_labels, point_labels
from .points import read_points
from .yolo import read_yolo

# Image id, and what reads its labels: only then errors of one file show.
Source = tuple[str, Callable[[], ImageLabels]]
SUFFIXES = {'voc': '.xml', 'sirst-v2': '.xml', 'yolo': '.txt'}


def read_masks(
    samples: Sequence[Sample],
    images: Path,
    points: bool = False,
    weighted: bool = False,
) -> list[Source]:
    """Sources of a data set of masks.

    Args:
        samples (Sequence[Sample]): Images with masks.
        images (Path): Folder of the images; names are relative to it.
        points (bool): Give centers in place of boxes.
        weighted (bool): Weigh pixels by gray value in centers.
    """

    def read(sample: Sample) -> ImageLabels:
        mask = read_sized_mask(sample.mask, image_shape(sample.image))
        name = sample.image.relative_to(images).as_posix()
        if not points:
            return mask_labels(mask, sample.image_id, name)
        gray = _read_gray(sample.image) if weighted else None
        return point_labels(mask, sample.image_id, name, gray)

    return [(sample.image_id, partial(read, sample)) for sample in samples]


def list_labels(
    source: Path, kind: str, images: Path | None
) -> tuple[list[Source], list[Source]]:
    """Sources of label files.

    Args:
        source (Path): JSON file for 'coco', CSV file for 'points', a folder
            for the others.
        kind (str): 'coco', 'points', 'voc', 'sirst-v2' or 'yolo'.
        images (Path, optional): Folder of images, not needed for 'coco'.

    Returns:
        tuple: Sources, and those of images that a folder has no label file
        for: they read as images without targets.

    Raises:
        ValueError: The source cannot be read or is empty, or the image folder
            is needed and missing.
    """
    if kind == 'coco':
        labels = read_coco(source)
        return [(one.image_id, partial(_given, one)) for one in labels], []
    if images is None or not images.is_dir():
        raise ValueError(
            f'{images}: no such folder; name it with --images, {kind} labels '
            'do not tell the sizes of the images reliably'
        )
    every = Folder(images, IMAGE_SUFFIXES)
    if kind == 'points':
        table = read_points(source)
        return [
            (k, partial(_read_points, k, every, table[k])) for k in table
        ], []
    if not source.is_dir():
        raise ValueError(f'{source}: no such folder')
    files: dict[str, Path | None] = {
        path.relative_to(source).with_suffix('').as_posix(): path
        for path in sorted(source.rglob(f'*{SUFFIXES[kind]}'))
        # names of YOLO's classes, beside the labels
        if path.name != 'classes.txt' or every.find('classes')[0]
    }
    if not files:
        raise ValueError(f'{source}: holds no *{SUFFIXES[kind]} file')
    bare = dict.fromkeys(k for k in every.ids() if k not in files)

    def sources(files: dict[str, Path | None]) -> list[Source]:
        return [
            (image_id, partial(_read_file, image_id, every, path, kind))
            for image_id, path in files.items()
        ]

    return sources(files), sources(bare)


def _given(labels: ImageLabels) -> ImageLabels:
    return labels


def _unlabeled(image_id: str, images: Folder) -> ImageLabels:
    """Name and shape of an image."""
    names, _ = images.find(image_id)
    if not names:
        raise ValueError(
            f'no image of this name in {images.path}, ending with '
            f'{", ".join(images.suffixes)}'
        )
    return ImageLabels(image_id, names[0], image_shape(images.path / names[0]))


def _read_file(
    image_id: str, images: Folder, path: Path | None, kind: str
) -> ImageLabels:
    image = _unlabeled(image_id, images)
    if path is None:
        boxes = np.zeros((0, 4))
    elif kind == 'yolo':
        # fractions of nine digits: a border must not be crossed by rounding
        boxes = read_yolo(path, image.shape).round(4)
    else:
        boxes = parse_boxes(path.read_bytes(), str(path), kind)
    return image._replace(boxes=boxes)


def _read_points(
    image_id: str, images: Folder, points: np.ndarray
) -> ImageLabels:
    return _unlabeled(image_id, images)._replace(points=points)


def _read_gray(path: Path) -> np.ndarray:
    page = decode_pages(path.read_bytes(), str(path))[0]
    return to_float(page, gray_limits(page, name=str(path)))[..., 0]
