"""A gallery of predictions: one static HTML page, sortable and filterable."""

import base64
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from tempfile import TemporaryFile
from urllib.parse import quote

import cv2
import numpy as np

from fdep_mm.core.whole import write_whole
from fdep_mm.evaluation.functional import (
    EvalProtocol,
    count_image,
    reduce_records,
    scale_scores,
    unpack,
)

from .files import Scene
from .gallery_page import PAGE_HEAD, PAGE_TAIL
from .overlay import DETECTION, FALSE_ALARM, HIT, MISS, draw_overlay

FULL_SIDE = 768
# Key -> heading, and how the first click sorts.
COLUMNS = dict(
    name=('name', 'up'),
    iou=('IoU (%)', 'up'),
    targets=('targets', 'down'),
    hits=('hits', 'down'),
    misses=('misses', 'down'),
    false=('false alarms', 'down'),
    pixels=('false pixels', 'down'),
)
HEADER = (
    '<th scope="col" data-key="{0}" data-first="{2}">'
    '<button type="button">{1}</button></th>'
)
# full resolution of colors: outlines are one pixel wide
FULL_COLOR = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444
JPEG = [
    *(cv2.IMWRITE_JPEG_QUALITY, 85),
    *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, FULL_COLOR),
]


def write_gallery(
    path: Path,
    scenes: Iterable[Scene],
    title: str = 'Predictions',
    embed: bool = True,
    side: int = 256,
    failures: Sequence[str] = (),
    **rules: float | str,
) -> int:
    """Write an HTML page of overlays, sortable by per-image numbers.

    The page needs neither a server nor a network. It shows the IoU of each
    image (100 % where there is neither a target nor foreground), its targets,
    hits, misses and false alarms (detections that hit nothing); a click on a
    heading sorts by it. Embedded pictures stay in memory until the end, about
    20 KB each at `side` 256.

    Args:
        path (Path): The HTML file; its folder exists.
        scenes (Iterable[Scene]): Read once, in this order.
        title (str): Heading.
        embed (bool): Put the pictures into the page; otherwise they go to a
            folder ``<stem>_files`` beside it, with a large one of each to be
            opened by a click.
        side (int): Least length of an image's shorter side, px, from 64.
        failures (Sequence[str]): Lines to be listed below, read after the
            last scene, so that reading scenes may add to it.
        **rules: `threshold`, `radius`, `match` and `connectivity`, see
            :class:`fdep_mm.evaluation.functional.EvalProtocol`.

    Returns:
        int: Number of images in the page.
    """
    protocol = EvalProtocol([rules.get('threshold', 0.5)], (), **rules)
    folder = None if embed else path.with_name(f'{path.stem}_files')
    # a place that takes no files is noticed before the work
    TemporaryFile(dir=path.parent).close()
    if folder is not None:
        folder.mkdir(exist_ok=True)
    records, rows = [], []
    for scene in scenes:
        record = count_image(scene.prob, scene.mask, protocol, scene.name)
        picture = _image_tag(scene, protocol, side, folder, len(rows))
        rows.append(_row(scene.name, picture, record, protocol))
        records.append(record)
    headers = (HEADER.format(key, *COLUMNS[key]) for key in COLUMNS)
    head = PAGE_HEAD.substitute(
        title=escape(title),
        summary=_summary(records, protocol, not failures),
        headers=''.join(headers),
        hit=f'rgb{HIT}',
        miss=f'rgb{MISS}',
        false_alarm=f'rgb{FALSE_ALARM}',
        detection=f'rgb{DETECTION}',
    )
    tail = PAGE_TAIL.substitute(failures=_failures(failures))
    page = ''.join([head, *rows, tail])
    # names of files need not be valid text
    write_whole(path, page.encode('utf-8', errors='replace'), 'run again')
    return len(rows)


def _image_tag(
    scene: Scene,
    protocol: EvalProtocol,
    side: int,
    folder: Path | None,
    index: int,
) -> str:
    small = _overlay(scene, protocol, side, 6, False)
    if small.shape[0] > 2 * side:
        factor = 2 * side / small.shape[0]
        small = cv2.resize(small, None, None, factor, factor, cv2.INTER_AREA)
    height, width = small.shape[:2]
    size = f'width="{width}" height="{height}" loading="lazy" alt=""'
    if folder is None:
        data = base64.b64encode(_jpeg(small)).decode()
        return f'<img {size} src="data:image/jpeg;base64,{data}">'
    full = _overlay(scene, protocol, FULL_SIDE, 12, True)
    name = f'{index:05d}'
    (folder / f'{name}.jpg').write_bytes(_jpeg(small))
    (folder / f'{name}_full.jpg').write_bytes(_jpeg(full))
    source = escape(quote(folder.name))
    return (
        f'<a href="{source}/{name}_full.jpg">'
        f'<img {size} src="{source}/{name}.jpg"></a>'
    )


def _overlay(
    scene: Scene, protocol: EvalProtocol, side: int, zooms: int, legend: bool
) -> np.ndarray:
    pred = scene.prob > np.float32(protocol.threshold)
    rules = protocol.radius, protocol.match, protocol.connectivity
    return draw_overlay(
        scene.image, pred, scene.mask, *rules, side, zooms, legend
    )


def _jpeg(picture: np.ndarray) -> bytes:
    return cv2.imencode('.jpg', picture[..., ::-1], JPEG)[1].tobytes()


def _row(
    name: str, picture: str, record: np.ndarray, protocol: EvalProtocol
) -> str:
    counts = unpack([record], protocol)
    one = {k: int(getattr(counts, k).flat[0]) for k in counts._fields[:8]}
    iou = 100 * one['inter'] / one['union'] if one['union'] else 100
    numbers = dict(
        iou=f'{iou:.2f}',
        targets=one['targets'],
        hits=one['hits'],
        misses=one['targets'] - one['hits'],
        false=one['detections'] - one['hits'],
        pixels=one['false_pixels'],
    )
    data = ' '.join(f'data-{key}="{value}"' for key, value in numbers.items())
    cells = ''
    for key, value in numbers.items():
        bad = ' class="bad"' if key in ('misses', 'false') and value else ''
        cells += f'<td{bad}>{value}</td>'
    name = escape(name)
    return (
        f'<tr data-name="{name}" {data}><td class="picture">{picture}</td>'
        f'<td class="name">{name}</td>{cells}</tr>\n'
    )


def _summary(
    records: Sequence[np.ndarray], protocol: EvalProtocol, all_there: bool
) -> str:
    more = '' if all_there else ' (others are left out, see below)'
    scores = scale_scores(reduce_records(records, protocol).scores)
    targets = unpack(records, protocol).targets.sum()
    shares = (
        f'{key} {scores[key]:.2f} %' if targets else f'{key} undefined'
        for key in ('IoU', 'nIoU', 'Pd')
    )
    return (
        f'{len(records)} images{more}, {targets} targets: '
        f'{", ".join(shares)}, Fa {scores["Fa"]:.2f} &times; '
        f'10<sup>&minus;6</sup> at threshold {protocol.threshold:g}; a hit '
        f'is nearer than {protocol.radius:g} px ({protocol.match} matching)'
    )


def _failures(lines: Sequence[str]) -> str:
    if not lines:
        return ''
    items = ''.join(f'<li>{escape(line)}</li>' for line in lines)
    return f'<h2>Left out: {len(lines)}</h2>\n<ul>{items}</ul>'
