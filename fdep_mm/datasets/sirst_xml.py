"""Box files of SIRST-V2 and Pascal VOC, which count pixels differently."""

import math
from xml.etree import ElementTree

import numpy as np

from fdep_mm.core.choices import check_choice

CORNERS = ('xmin', 'ymin', 'xmax', 'ymax')
# What the numbers of a file add to 0-based, half-open ones. SIRST-V2's were
# measured against its masks; VOC counts from 1 and includes the last pixel.
CONVENTIONS = {'sirst-v2': (1, 1, 1, 1), 'voc': (1, 1, 0, 0)}
# Parts of other tools' labels that are targets without being boxes.
SHAPES = ('polygon', 'points', 'point', 'contour', 'segmentation')
_WAY_OUT = "Replace it, take its id out of the split, or set box_source='mask'"


class _NoDoctype(ElementTree.TreeBuilder):
    """Refuses document types, and with them every entity declaration."""

    def doctype(self, name: str, pubid: str, system: str) -> None:
        raise ValueError('it has a DOCTYPE, which could be an attack')


def parse_boxes(
    content: bytes, path: str, convention: str = 'sirst-v2'
) -> np.ndarray:
    """Boxes of one file, (G, 4) float64, 0-based and half-open.

    A single ``object`` without ``bndbox`` is how SIRST-V2 says that there is
    no target; in 'voc', and beside others, it is an error.

    Raises:
        ValueError: It is no box file, has a document type, a box elsewhere or
            objects without one, or a box lacks a finite number.
    """
    offsets = check_convention(convention)
    parser = ElementTree.XMLParser(target=_NoDoctype())  # noqa: S314
    try:
        root = ElementTree.fromstring(content, parser)  # noqa: S314
        if root.tag != 'annotation':
            raise ValueError(f'its root is <{root.tag}>, not <annotation>')
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        # a LookupError is an unknown encoding
        text = f'{path}: not a readable box file: {error}. {_WAY_OUT}'
        raise ValueError(text) from error
    found = root.findall('object/bndbox')
    _check_no_others(root, found, path)
    bare = [o for o in root.findall('object') if o.find('bndbox') is None]
    if bare and (found or len(bare) > 1 or convention == 'voc'):
        raise ValueError(
            f'{path}: {len(bare)} of {len(bare) + len(found)} <object> have '
            f'no <bndbox> and would not count. {_WAY_OUT}'
        )
    boxes = [
        [_number(box, corner, path) for corner in CORNERS] for box in found
    ]
    return np.array(boxes, np.float64).reshape(-1, 4) - offsets


def check_convention(convention: str) -> tuple[int, int, int, int]:
    """Its offsets in :data:`CONVENTIONS`, or a ValueError."""
    check_choice('xml_convention', convention, CONVENTIONS)
    return CONVENTIONS[convention]


def format_boxes(
    file_name: str,
    shape: tuple[int, int],
    boxes: np.ndarray,
    convention: str = 'sirst-v2',
) -> str:
    """Text of a file that :func:`parse_boxes` reads.

    In 'sirst-v2' an image without target has one ``object`` without
    ``bndbox``, in 'voc' none.
    """
    offsets = check_convention(convention)
    published = convention == 'sirst-v2'
    root = ElementTree.Element('annotation')
    _append(root, filename=file_name)
    size = ElementTree.SubElement(root, 'size')
    _append(size, width=shape[1], height=shape[0], depth=1)
    numbers = boxes.reshape(-1, 4) + offsets
    for box in numbers.tolist() or ([None] if published else []):
        target = ElementTree.SubElement(root, 'object')
        _append(target, name='Target' if published else 'target')
        if not published:
            _append(target, truncated=0, difficult=0)
        if box is not None:
            bndbox = ElementTree.SubElement(target, 'bndbox')
            texts = [f'{value:.12g}' for value in box]
            _append(bndbox, **dict(zip(CORNERS, texts, strict=True)))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding='unicode') + '\n'


def _check_no_others(
    root: ElementTree.Element, boxes: list[ElementTree.Element], path: str
) -> None:
    """Refuse what looks like a box in another place."""
    known = {id(part) for box in boxes for part in box.iter()}
    for part in root.iter():
        tag = part.tag.lower()
        target = 'box' in tag or tag in (*CORNERS, *SHAPES)
        if target and id(part) not in known:
            raise ValueError(
                f'{path}: <{part.tag}> elsewhere than in '
                f'annotation/object/bndbox. {_WAY_OUT}'
            )


def _number(box: ElementTree.Element, corner: str, path: str) -> float:
    text = box.findtext(corner)
    try:
        value = float(text)
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(
            f'{path}: <{corner}> of a <bndbox> must be a finite number, got '
            f'{text!r}. {_WAY_OUT}'
        )
    return value


def _append(parent: ElementTree.Element, **texts: object) -> None:
    for tag, text in texts.items():
        ElementTree.SubElement(parent, tag).text = str(text)
