"""Reading and writing of Pascal VOC's XML files."""

from pathlib import Path

import numpy as np

from ..sirst_xml import format_boxes, parse_boxes
from .labels import ImageLabels


def format_voc(image: ImageLabels, convention: str = 'voc') -> str:
    """Text of the XML file of an image, see :func:`~..sirst_xml.format_boxes`.

    Args:
        image (ImageLabels): The targets.
        convention (str): 'voc' or 'sirst-v2'.

    Returns:
        str: XML.

    Raises:
        ValueError: Another convention.
    """
    published = convention == 'sirst-v2'
    name = image.image_id if published else image.file_name
    return format_boxes(name, image.shape, image.boxes, convention)


def read_voc(path: Path, convention: str = 'voc') -> np.ndarray:
    """Boxes of an XML file, see :func:`~..sirst_xml.parse_boxes`.

    Args:
        path (Path): The file.
        convention (str): See :func:`format_voc`.

    Returns:
        np.ndarray: (G, 4) float64, x1, y1, x2, y2, 0-based and half-open.

    Raises:
        ValueError: It cannot be read, has a document type (whose entities
            could be expanded without end), or another convention is given.
    """
    try:
        boxes = parse_boxes(path.read_bytes(), str(path), convention)
    except OSError as error:
        raise ValueError(f'{path}: cannot be read: {error}') from error
    if not np.isfinite(boxes).all():
        raise ValueError(f'{path}: has a box that is not finite; correct it')
    return boxes
