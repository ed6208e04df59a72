"""The labels of each format, image by image."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from fdep_mm.core.image import image_shape
from fdep_mm.core.masks import read_mask
from fdep_mm.core.suffixes import IMAGE_SUFFIXES

from ..folders import Folder, Sample
from ..sirst_xml import CONVENTIONS, parse_boxes
from .coco import read_coco
from .labels import ImageLabels, mask_labels
from .points import read_points
from .regions import mask_centroids
from .yolo import read_yolo

# Image id, and what reads its labels: only then errors of one file show.
Source = tuple[str, Callable[[], ImageLabels]]
SUFFIXES = {'voc': '.xml', 'sirst-v2': '.xml', 'yolo': '.txt'}


def read_masks(
    samples: Sequence[Sample], images: Path, points: bool = False
) -> list[Source]:
    """Sources of boxes, or points, of samples with masks.

    Names are relative to ``images``.
    """

    def read(sample: Sample) -> ImageLabels:
        mask = read_mask(sample.mask, shape=image_shape(sample.image))
        name = sample.image.relative_to(images).as_posix()
        if not points:
            return mask_labels(mask, sample.image_id, name)
        centers = mask_centroids(mask)
        return ImageLabels(sample.image_id, name, mask.shape, points=centers)

    return [(sample.image_id, partial(read, sample)) for sample in samples]


def list_labels(
    source: Path, kind: str, images: Path | None
) -> tuple[list[Source], list[Source]]:
    """Sources of label files, and of images without one, as without targets.

    Args:
        source (Path): JSON file for 'coco', CSV file for 'points', a folder
            for the others.
        kind (str): 'coco', 'points', 'voc', 'sirst-v2' or 'yolo'.
        images (Path, optional): Folder of images, not needed for 'coco'.

    Raises:
        ValueError: The source cannot be read or is empty, or the image folder
            is needed and missing.
    """
    if kind == 'coco':
        labels = read_coco(source)
        return [(one.image_id, lambda one=one: one) for one in labels], []
    if images is None or not images.is_dir():
        raise ValueError(
            f'{images}: no such folder; name the images, whose sizes '
            f'{kind} labels need, with --images'
        )
    every = Folder(images, IMAGE_SUFFIXES)
    if kind == 'points':
        table = read_points(source)
        read = partial(_read_points, every)
    elif not source.is_dir():
        raise ValueError(f'{source}: no such folder')
    else:
        folder = Folder(source, (SUFFIXES[kind],))
        table = {k: source / folder.find(k)[0][0] for k in folder.ids()}
        if kind == 'yolo' and not every.find('classes')[0]:
            table.pop('classes', None)  # their names, beside the labels
        if not table:
            raise ValueError(f'{source}: holds no *{SUFFIXES[kind]} file')
        read = partial(_read_file, every, kind)
    bare = (image_id for image_id in every.ids() if image_id not in table)
    return (
        [(k, partial(read, k, labels)) for k, labels in table.items()],
        [(k, partial(read, k, None)) for k in bare],
    )


def _unlabeled(image_id: str, images: Folder) -> ImageLabels:
    """Name and shape of an image."""
    names, same_case = images.find(image_id)
    if not (names and same_case):
        raise ValueError(f'no image of this name in {images.path}')
    return ImageLabels(image_id, names[0], image_shape(images.path / names[0]))


def _read_file(
    images: Folder, kind: str, image_id: str, path: Path | None
) -> ImageLabels:
    image = _unlabeled(image_id, images)
    if path is None:
        boxes = np.zeros((0, 4))
    elif kind == 'yolo':
        # fractions of nine digits: a border must not be crossed by rounding
        boxes = read_yolo(path, image.shape).round(4)
    else:
        boxes = parse_boxes(path.read_bytes(), str(path), kind)
        if empty := (boxes[:, :2] >= boxes[:, 2:]).any(axis=1).sum():
            other = next(key for key in CONVENTIONS if key != kind)
            raise ValueError(
                f'{path}: {empty} of {len(boxes)} boxes are empty as {kind!r} '
                f'counts pixels; correct them, or try --from {other}'
            )
    return image._replace(boxes=boxes)


def _read_points(
    images: Folder, image_id: str, points: np.ndarray | None
) -> ImageLabels:
    points = np.zeros((0, 2)) if points is None else points
    return _unlabeled(image_id, images)._replace(points=points)
