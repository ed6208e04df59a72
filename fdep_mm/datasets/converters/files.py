"""Labels of whole data sets, from mask files and to them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from fdep_mm.evaluation.functional import mask_boxes
from fdep_mm.evaluation.functional.components import STRUCTURES

from ..sirst import IMAGE_SUFFIXES
from ..transforms import LoadInfraredImage, LoadSIRSTMask
from .coco import read_coco
from .labels import ImageLabels
from .points import read_points
from .regions import boxes_to_mask, mask_centroids, points_to_mask
from .voc import read_voc
from .yolo import read_yolo

SUFFIXES = {'voc': '.xml', 'sirst-v2': '.xml', 'yolo': '.txt'}


def read_mask(image: Path, mask: Path) -> np.ndarray:
    """Read a mask and compare its size with that of its image.

    Args:
        image (Path): File of the image; only its size is read.
        mask (Path): File of the mask.

    Returns:
        np.ndarray: uint8 (H, W) {0, 1}.

    Raises:
        ValueError: One of them cannot be read, the mask holds other values
            than {0, 1} or {0, 255}, or they differ in size.
    """
    results = dict(seg_map_path=str(mask), seg_fields=[])
    loaded = LoadSIRSTMask().transform(results)['gt_seg_map']
    if (shape := image_shape(image)) != loaded.shape:
        raise ValueError(
            f'{mask}: is {loaded.shape}, its image {shape} (height, width); '
            'replace one of the two'
        )
    return loaded


def image_shape(path: Path) -> tuple[int, int]:
    """Height and width of an image file, without decoding it.

    Args:
        path (Path): The file.

    Returns:
        tuple[int, int]: In px.

    Raises:
        ValueError: It is not an image.
    """
    try:
        with Image.open(path) as image:
            return image.height, image.width
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f'{path}: not a readable image: {error}') from error


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
    masks = [(labels == i).astype(np.uint8) for i in range(1, number + 1)]
    boxes = mask_boxes(mask)
    return ImageLabels(image_id, file_name, mask.shape, boxes, masks)


def read_centroids(
    image: Path, mask: np.ndarray, weighted: bool
) -> np.ndarray:
    """Centroids of the targets of a mask.

    Args:
        image (Path): File of the image.
        mask (np.ndarray): (H, W).
        weighted (bool): Weigh the pixels of a target by their grey value.

    Returns:
        np.ndarray: (G, 2) x, y in px.

    Raises:
        ValueError: The image is needed and cannot be read.
    """
    if not weighted:
        return mask_centroids(mask)
    loaded = LoadInfraredImage().transform(dict(img_path=str(image)))
    return mask_centroids(mask, loaded['img'][..., 0])


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
        if labels.masks is not None and fill is None:
            empty = np.zeros(labels.shape, np.uint8)
            return np.maximum.reduce([empty, *labels.masks])
        return boxes_to_mask(labels.boxes, labels.shape, fill or 'box')
    shape = image_shape(_find_image(images, image_id))
    if kind == 'points':
        return points_to_mask(labels, shape, radius)
    if kind == 'yolo':
        boxes = read_yolo(labels, shape)
    else:
        boxes = read_voc(labels, kind)
    return boxes_to_mask(boxes, shape, fill or 'box')


def _find_image(folder: Path, image_id: str) -> Path:
    for suffix in IMAGE_SUFFIXES:
        path = folder / f'{image_id}{suffix}'
        if path.is_file():
            return path
    raise ValueError(
        f'{image_id}: no image of this name in {folder}, ending with '
        f'{", ".join(IMAGE_SUFFIXES)}'
    )
