"""Labels in the files of each format."""

import json
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from fdep_mm.core.boxes import LARGE, check_boxes
from fdep_mm.core.components import mask_components
from fdep_mm.core.image import write_png
from fdep_mm.core.text import some
from fdep_mm.core.whole import write_whole

from ..sirst_xml import format_boxes
from .coco import to_coco
from .labels import ImageLabels, draw_labels
from .points import write_points
from .reading import Source
from .yolo import format_yolo

DRAWN = ('masks', 'point-masks')
# One file per split, and one per image.
SPLIT_FORMATS = ('coco', 'points')
IMAGE_FORMATS = {
    'masks': '.png',
    'point-masks': '.png',
    'voc': '.xml',
    'sirst-v2': '.xml',
    'yolo': '.txt',
}
Content = np.ndarray | str


def convert(
    sources: Iterable[Source],
    to: str,
    out: Path,
    splits: Mapping[str, set[str] | None],
    **drawing,
) -> tuple[int, list[str]]:
    """Write labels in another format; what cannot be converted is left out.

    Warns of masks that do not show as many targets as there are labels, and of
    targets too large to be small ones.

    Args:
        sources (Iterable[Source]): From :func:`.read_masks` or
            :func:`.list_labels`.
        to (str): A member of ``SPLIT_FORMATS`` or ``IMAGE_FORMATS``.
        splits (Mapping[str, set[str] | None]): For formats with one file per
            split, its name and image ids; None stands for all.
        **drawing: Of masks, see :func:`.draw_labels`.

    Returns:
        tuple: Number of images that were converted, and why others were not.
    """
    done: dict[str, ImageLabels] = {}
    lost, changed, large = [], [], []
    for image_id, read in sources:
        try:
            if image_id in done:
                raise ValueError('a second image of this name; rename it')
            labels = read()
            content = _content(labels, to, drawing)
        except (ValueError, OSError) as error:
            lost.append(f'{image_id}: {error}')
            continue
        done[image_id] = labels
        if content is not None:
            _write(out / f'{image_id}{IMAGE_FORMATS[to]}', content)
        if _has_large(labels):
            large.append(image_id)
        if to in DRAWN:
            given = labels.points if labels.boxes is None else labels.boxes
            found = len(mask_components(content > 0).area)
            if found != len(given):
                changed.append(f'{image_id} ({found} of {len(given)})')
    if changed:
        warnings.warn(
            f'{len(changed)} masks do not show one target for each label, as '
            f'labels touch or have several parts: {some(changed)}',
            stacklevel=2,
        )
    if large:
        warnings.warn(
            f'{len(large)} images have a target of over {LARGE:.0%} of them; '
            f'are masks inverted, or of another task? {some(large)}',
            stacklevel=2,
        )
    if to in SPLIT_FORMATS:
        _write_splits(out, to, done, splits)
    return len(done), lost


def _has_large(labels: ImageLabels) -> bool:
    if labels.boxes is None:
        return False
    sides = labels.boxes[:, 2:] - labels.boxes[:, :2]
    return bool((sides.prod(axis=1) > LARGE * np.prod(labels.shape)).any())


def _content(labels: ImageLabels, to: str, drawing: dict) -> Content | None:
    # masks cut boxes off at the border, files would keep them
    if labels.boxes is not None and to != 'masks':
        check_boxes(labels.boxes, labels.shape, labels.file_name)
    if to in SPLIT_FORMATS:
        return None
    if to in DRAWN:
        return draw_labels(labels, **drawing)
    if to == 'yolo':
        return format_yolo(labels.boxes, labels.shape)
    # SIRST-V2's files name the image without suffix
    name = labels.image_id if to == 'sirst-v2' else labels.file_name
    return format_boxes(name, labels.shape, labels.boxes, to)


def _write(path: Path, content: Content) -> None:
    if isinstance(content, str):
        write_whole(path, content, 'convert again', flush=False)
    else:
        write_png(path, content * 255)


def _write_splits(out: Path, to: str, images: dict, splits: Mapping) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for split, ids in splits.items():
        own = [v for k, v in images.items() if ids is None or k in ids]
        if to == 'coco':
            _write(out / f'{split}.json', json.dumps(to_coco(own)) + '\n')
        else:
            points = {one.image_id: one.points for one in own}
            write_points(out / f'{split}.csv', points)
