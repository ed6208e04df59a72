"""mNoCoAP: average precision of points at nine NoCo thresholds.

Source: Dai et al., One-Stage Cascade Refinement Networks for Infrared Small
Target Detection, IEEE TGRS 2023, arXiv 2212.08472.

A detection is a point: the center of its box, or the peak of a segmented
region. At threshold t it is true if the ground truth's NoCo map is above t at
its pixel, it lies in the box of a target, and no detection of a higher score
was true for the same target. AP is the area under the envelope of precision
over recall, all images pooled.

Centroid modes:

* 'box_center', of the paper's toolkit, for comparison with published
  numbers. The center of a half-open box is rounded to a pixel, which is half
  a pixel too far right and down on average; boxes contain their right and
  lower edge. The ground truth itself scores 0.73 on SIRST-V2's test split.
* 'pixel_center': the pixel that holds the center, center rounded down; it
  lies in the half-open boxes that touch it. So do points that a detector
  takes from its own NoCo map.
"""

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fdep_mm.core.boxes import check_boxes
from fdep_mm.core.choices import check_choice

CENTROID_MODES = ('box_center', 'pixel_center')
THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
NAMES = [f'NoCoAP{100 * threshold:.0f}' for threshold in THRESHOLDS]


class NoCoRecord(NamedTuple):
    """What mNoCoAP needs to know of one image with n detections."""

    score: np.ndarray  # (n,)
    noco: np.ndarray  # (n,) true NoCo values at their pixels
    target: np.ndarray  # (n,) the first whose box holds the point, or -1
    num_targets: int


def mnocoap(
    detections: Sequence[ArrayLike],
    noco_maps: Sequence[np.ndarray],
    gt_boxes: Sequence[ArrayLike],
    centroid_mode: str = 'box_center',
) -> dict[str, float]:
    """mNoCoAP and its parts, at all thresholds in one pass.

    Args:
        detections (Sequence[ArrayLike]): Per image (n, 5) boxes, x1, y1, x2,
            y2, score, or (n, 3) points, x, y, score, in px of the original
            image. [] for none.
        noco_maps (Sequence[np.ndarray]): Per image the true map, (H, W),
            from :func:`fdep_mm.evaluation.noco_map`.
        gt_boxes (Sequence[ArrayLike]): Per image (G, 4), 0-based, half-open.
        centroid_mode (str): 'box_center' (of the published numbers) or
            'pixel_center', see :mod:`fdep_mm.evaluation.functional.nocoap`.

    Returns:
        dict[str, float]: ``mNoCoAP``, the mean, and ``NoCoAP10`` ...
        ``NoCoAP90``, fractions; NaN, with a warning, if there is no target.

    Raises:
        ValueError: The numbers of images differ, an array has another shape
            or holds NaN, or an argument is unknown.
    """
    images = dict(
        detections=detections, noco_maps=noco_maps, gt_boxes=gt_boxes
    )
    if len(set(map(len, images.values()))) > 1:
        numbers = ', '.join(f'{len(v)} {k}' for k, v in images.items())
        raise ValueError(f'{numbers}: give one of each per image')
    records = []
    for image in zip(*images.values(), strict=True):
        name = f'image {len(records)}'
        records.append(record_detections(*image, centroid_mode, name))
    return average_precisions(records)


def record_detections(
    detections: ArrayLike,
    noco: np.ndarray,
    gt_boxes: ArrayLike,
    centroid_mode: str = 'box_center',
    name: str = 'image',
) -> NoCoRecord:
    """Look up the detections of one image, see :func:`mnocoap`."""
    check_choice('centroid_mode', centroid_mode, CENTROID_MODES)
    if np.ndim(noco) != 2:
        raise ValueError(
            f'{name}: the NoCo map must be (H, W), got {np.shape(noco)}'
        )
    boxes = check_boxes(gt_boxes, noco.shape, name)
    rows = _check_detections(detections, name)
    points = rows[:, :2]
    if rows.shape[1] == 5:
        points = (points + rows[:, 2:4]) / 2
    toolkit = centroid_mode == 'box_center'
    if not toolkit:
        points = np.floor(points)
    last = np.array(noco.shape[::-1]) - 1
    x, y = np.clip(np.round(points), 0, last).astype(int).T
    first_box = _first_box(points, boxes, closed=toolkit)
    return NoCoRecord(rows[:, -1], noco[y, x], first_box, len(boxes))


def average_precisions(records: Sequence[NoCoRecord]) -> dict[str, float]:
    """Reduce the records of all images to what :func:`mnocoap` returns.

    Detections of equal score keep the order of images and the one given.
    """
    num_targets = np.array([record.num_targets for record in records], int)
    total = int(num_targets.sum())
    if not total:
        warnings.warn(
            'there is no target in the whole set: NoCoAP is NaN', stacklevel=2
        )
        return dict.fromkeys(['mNoCoAP', *NAMES], float('nan'))
    score, noco, target = map(
        np.concatenate, list(zip(*records, strict=True))[:3]
    )
    # one number for each target of the set
    offset = num_targets.cumsum() - num_targets
    image = np.repeat(np.arange(len(records)), [len(r.score) for r in records])
    target = np.where(target < 0, -1, target + offset[image])
    order = np.argsort(-score, kind='stable')
    noco, target = noco[order], target[order]
    aps = []
    for threshold in THRESHOLDS:
        hits = np.flatnonzero((noco > threshold) & (target >= 0))
        _, first = np.unique(target[hits], return_index=True)
        aps.append(_area(np.sort(hits[first]), total))
    return dict(
        mNoCoAP=float(np.mean(aps)), **dict(zip(NAMES, aps, strict=True))
    )


def _check_detections(detections: ArrayLike, name: str) -> np.ndarray:
    rows = np.asarray(detections, dtype=np.float64)
    if not rows.size:
        return np.zeros((0, 3))
    if rows.ndim != 2 or rows.shape[1] not in (3, 5):
        raise ValueError(
            f'{name}: detections must be (n, 5), x1, y1, x2, y2, score, or '
            f'(n, 3), x, y, score; got shape {rows.shape}'
        )
    if not np.isfinite(rows).all():
        raise ValueError(
            f'{name}: detections hold NaN or infinity; the network has '
            'diverged'
        )
    return rows


def _first_box(
    points: np.ndarray, boxes: np.ndarray, closed: bool
) -> np.ndarray:
    """(n,) index of the first box that holds each point, or -1."""
    if not len(boxes):
        return np.full(len(points), -1)
    points, first, last = points[:, None], boxes[:, :2], boxes[:, 2:]
    if closed:
        inside = (points >= first) & (points <= last)
    else:  # pixels that a box touches
        inside = (points >= np.floor(first)) & (points < last)
    inside = inside.all(axis=-1)
    return np.where(inside.any(axis=1), inside.argmax(axis=1), -1)


def _area(ranks: np.ndarray, total: int) -> float:
    """Area under the precision envelope, from the ranks of the true ones.

    Recall rises by 1 / total at each, and only there.
    """
    precision = np.arange(1, len(ranks) + 1) / (ranks + 1)
    envelope = np.maximum.accumulate(precision[::-1])
    return float(envelope.sum() / total)
