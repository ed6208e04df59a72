"""Reading and writing of Pascal VOC's XML files."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from ..sirst_xml import (
    CORNERS,
    check_convention,
    format_boxes,
    parse_boxes,
)
from .labels import ImageLabels


def format_voc(image: ImageLabels, convention: str = 'voc') -> str:
    """Text of the XML file of an image.

    Args:
        image (ImageLabels): The targets.
        convention (str): 'voc', 1-based with the last pixel included; or
            'sirst-v2', where all four numbers are one larger than 0-based
            half-open ones. Defaults to 'voc'.

    Returns:
        str: XML. In 'sirst-v2' an image without target has one ``object``
        without ``bndbox``, in 'voc' none.

    Raises:
        ValueError: Another convention.
    """
    offsets = check_convention(convention)
    if convention == 'sirst-v2':
        return format_boxes(image.image_id, image.shape, image.boxes)
    root = ElementTree.Element('annotation')
    height, width = image.shape
    _fill(root, dict(filename=image.file_name))
    size = ElementTree.SubElement(root, 'size')
    _fill(size, dict(width=width, height=height, depth=1))
    for box in image.boxes + offsets:
        target = ElementTree.SubElement(root, 'object')
        _fill(target, dict(name='target', truncated=0, difficult=0))
        corners = (f'{value:.12g}' for value in box.tolist())
        bndbox = ElementTree.SubElement(target, 'bndbox')
        _fill(bndbox, dict(zip(CORNERS, corners, strict=True)))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding='unicode') + '\n'


def read_voc(path: Path, convention: str = 'voc') -> np.ndarray:
    """Boxes of an XML file, see :func:`~..sirst_xml.parse_boxes`.

    Args:
        path (Path): The file.
        convention (str): See :func:`format_voc`. Defaults to 'voc'.

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


def _fill(parent: ElementTree.Element, texts: dict) -> None:
    for tag, text in texts.items():
        ElementTree.SubElement(parent, tag).text = str(text)
