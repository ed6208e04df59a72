"""Reading and writing of COCO json files with one category, 'target'."""

import json
import math
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path, PurePosixPath

import numpy as np

from fdep_mm.core.image import MAX_PIXELS
from fdep_mm.core.splits import leaves_root
from fdep_mm.core.suffixes import strip_suffix
from fdep_mm.core.text import some

from .labels import ImageLabels
from .segmentations import check_polygons, polygons_to_mask, read_rle, to_mask

CATEGORY = dict(id=1, name='target', supercategory='target')


def to_coco(images: Iterable[ImageLabels]) -> dict:
    """Content of a COCO file; boxes are [x, y, width, height].

    Targets with a segmentation get it and its area, others only boxes.

    Raises:
        ValueError: A segmentation has no pixel in its image.
    """
    coco = dict(images=[], annotations=[], categories=[CATEGORY])
    for number, image in enumerate(images, 1):
        name, (height, width) = image.file_name, image.shape
        coco['images'].append(
            dict(id=number, file_name=name, height=height, width=width)
        )
        codes = image.segmentations or [None] * len(image.boxes)
        for box, code in zip(image.boxes.tolist(), codes, strict=True):
            x1, y1, x2, y2 = box
            annotation = dict(
                id=len(coco['annotations']) + 1,
                image_id=number,
                category_id=CATEGORY['id'],
                bbox=[x1, y1, x2 - x1, y2 - y1],
                area=(x2 - x1) * (y2 - y1),
                iscrowd=0,
            )
            if code:
                annotation['segmentation'] = code
                annotation['area'] = int(to_mask(code, image.shape).sum())
            coco['annotations'].append(annotation)
    return coco


def read_coco(path: Path) -> list[ImageLabels]:
    """Read a COCO file; every category counts as target.

    Warns of several categories, of crowds (``iscrowd``), which are left out,
    and of polygons that seem to be contours.

    Raises:
        ValueError: It is not a COCO file, a file name leads out of the image
            folder, or a segmentation does not fit its image.
    """
    try:
        coco = json.loads(path.read_text(encoding='utf-8'))
        names = {image['id']: image['file_name'] for image in coco['images']}
        if len(names) < len(coco['images']):
            raise ValueError('two of its images have one id')
        targets = {image_id: [] for image_id in names}
        crowds = []
        for annotation in coco['annotations']:
            image_id = annotation['image_id']
            crowd = annotation.get('iscrowd')
            (crowds if crowd else targets[image_id]).append(annotation)
        labels = [_image(one, targets[one['id']]) for one in coco['images']]
        odd = [*_oddities(coco, labels, targets, crowds)]
    except OSError as error:
        raise ValueError(f'{path}: cannot be read: {error}') from error
    except KeyError as error:
        text = f'{path}: not a COCO file, key or image {error} is missing'
        raise ValueError(text) from error
    except (TypeError, AttributeError, ValueError, RecursionError) as error:
        raise ValueError(f'{path}: not a COCO file: {error}') from error
    for text in odd:
        warnings.warn(f'{path}: {text}', stacklevel=2)
    return labels


def _oddities(
    coco: dict,
    labels: list[ImageLabels],
    targets: dict[object, list[dict]],
    crowds: list[dict],
) -> Iterator[str]:
    """What is read otherwise than a user may think."""
    if crowds:
        names = {image['id']: image['file_name'] for image in coco['images']}
        crowded = {names[annotation['image_id']] for annotation in crowds}
        yield (
            f'{len(crowds)} annotations in {len(crowded)} images are crowds '
            '(iscrowd=1) and left out, so that their pixels count as '
            f'background: {some(sorted(crowded))}'
        )
    names = {one['id']: one['name'] for one in coco.get('categories', [])}
    read = chain.from_iterable(targets.values())
    used = Counter(annotation.get('category_id') for annotation in read)
    if len(used) > 1:
        shown = ', '.join(f'{names.get(k, k)} ({n})' for k, n in used.items())
        yield (
            f'annotations of every category become targets, {shown}; remove '
            'what is none'
        )
    contours = sum(
        _is_contour(annotation, code, image.shape)
        for image, own in zip(labels, targets.values(), strict=True)
        for annotation, code in zip(own, image.segmentations, strict=True)
    )
    if contours:
        yield (
            f'{contours} polygons are smaller than their area or box, as '
            'contours through pixel centers are: draw them with convert.py '
            '--polygon contour'
        )


def _is_contour(
    annotation: dict, code: dict | list | None, shape: tuple[int, int]
) -> bool:
    """Whether polygons enclose clearly less than their box or area."""
    if not isinstance(code, list):
        return False
    try:
        mask = polygons_to_mask(code, shape)
    except ValueError:  # outside, an error when it is drawn
        return False
    sizes = [np.ptp(places) + 1 for places in np.nonzero(mask)]
    lacks = np.array(annotation['bbox'][2:]) - sizes[::-1] > 0.5
    return bool(lacks.all() or annotation.get('area', 0) > 2 * mask.sum())


def _image(item: dict, annotations: list[dict]) -> ImageLabels:
    name = item['file_name']
    if leaves_root(name):
        raise ValueError(f'file_name {name!r} leads out of the image folder')
    shape = int(item['height']), int(item['width'])
    if min(shape) < 1 or math.prod(shape) > MAX_PIXELS:
        size = f'height {shape[0]} and width {shape[1]}'
        raise ValueError(f'{name} has {size}, not 1 to {MAX_PIXELS} pixels')
    boxes = np.array([a['bbox'] for a in annotations], np.float64)
    boxes = boxes.reshape(-1, 4)
    if not np.isfinite(boxes).all():
        raise ValueError(f'{name} has a box that is not finite')
    boxes[:, 2:] += boxes[:, :2]  # COCO has width and height there
    codes = [a.get('segmentation') or None for a in annotations]
    for index, code in enumerate(codes):
        if isinstance(code, dict):
            codes[index] = read_rle(code, shape)
        elif code is not None:
            check_polygons(code, name)
    image_id = strip_suffix(PurePosixPath(name).as_posix())
    return ImageLabels(image_id, name, shape, boxes, codes)
