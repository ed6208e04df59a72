"""Reading and writing of COCO json files with one category, 'target'."""

import json
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import numpy as np

from ..layouts import leaves_root
from .labels import ImageLabels
from .rle import check_rle

CATEGORY = dict(id=1, name='target', supercategory='target')


def to_coco(images: Iterable[ImageLabels]) -> dict:
    """Content of a COCO file.

    Args:
        images (Iterable[ImageLabels]): With ``segmentations``, targets get
            them and their area, else only boxes and theirs.

    Returns:
        dict: ``images``, ``annotations`` and ``categories``; ids count from
        1, boxes are [x, y, width, height].
    """
    coco = dict(images=[], annotations=[], categories=[CATEGORY])
    for number, image in enumerate(images, 1):
        height, width = image.shape
        coco['images'].append(
            dict(
                id=number,
                file_name=image.file_name,
                height=height,
                width=width,
            )
        )
        for index, (x1, y1, x2, y2) in enumerate(image.boxes.tolist()):
            annotation = dict(
                id=len(coco['annotations']) + 1,
                image_id=number,
                category_id=CATEGORY['id'],
                bbox=[x1, y1, x2 - x1, y2 - y1],
                area=(x2 - x1) * (y2 - y1),
                iscrowd=0,
            )
            if image.segmentations is not None:
                rle = image.segmentations[index]
                annotation['segmentation'] = rle
                annotation['area'] = sum(rle['counts'][1::2])
            coco['annotations'].append(annotation)
    return coco


def read_coco(path: Path) -> list[ImageLabels]:
    """Read a COCO file; every category counts as target.

    Args:
        path (Path): The file.

    Returns:
        list[ImageLabels]: In the order of the file, images without targets
        among them. ``segmentations`` are there if every target of the image
        has one of uncompressed run lengths.

    Raises:
        ValueError: It is not a COCO file, a file name leads out of the image
            folder, or a segmentation does not fit its image.
    """
    try:
        coco = json.loads(path.read_text(encoding='utf-8'))
        by_image = {image['id']: [] for image in coco['images']}
        for annotation in coco['annotations']:
            by_image[annotation['image_id']].append(annotation)
        return [_image(item, by_image[item['id']]) for item in coco['images']]
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f'{path}: cannot be read: {error}') from error
    except KeyError as error:
        raise ValueError(
            f'{path}: not a COCO file, or it names an image that it does not '
            f'list: {error}'
        ) from error
    except (TypeError, AttributeError, ValueError) as error:
        raise ValueError(f'{path}: not a COCO file: {error}') from error


def _image(item: dict, annotations: list[dict]) -> ImageLabels:
    name = item['file_name']
    if leaves_root(name):
        raise ValueError(
            f'file_name {name!r} leads out of the image folder; make it '
            'relative'
        )
    shape = int(item['height']), int(item['width'])
    boxes = np.array([a['bbox'] for a in annotations], np.float64)
    boxes = boxes.reshape(-1, 4)
    if not np.isfinite(boxes).all():
        raise ValueError(f'{name} has a box that is not finite')
    boxes[:, 2:] += boxes[:, :2]
    codes = [a.get('segmentation') for a in annotations]
    if all(isinstance(code, dict) for code in codes):
        for code in codes:
            check_rle(code, shape)
    else:
        codes = None
    image_id = PurePosixPath(name).with_suffix('').as_posix()
    return ImageLabels(image_id, name, shape, boxes, codes)
