"""From the cells of a detector to boxes, in numpy."""

import numpy as np


def detections(
    boxes: np.ndarray,
    scores: np.ndarray,
    factors: np.ndarray,
    size: tuple[int, int],
    rule: dict,
) -> np.ndarray:
    """Boxes of one image, as mmdet's post-processing gives them.

    Args:
        boxes (np.ndarray): (M, 4), x1, y1, x2, y2 of all cells, px.
        scores (np.ndarray): (M, 1), what ``score_thr`` and ``nms_pre`` read.
        factors (np.ndarray): (M, 1), what scores are multiplied by.
        size (tuple[int, int]): Height and width that boxes are cut to, px.
        rule (dict): The card's ``nms``.

    Returns:
        np.ndarray: (n, 5) float32, by falling score.
    """
    scores, factors = scores[:, 0], factors[:, 0]
    cells = np.flatnonzero(scores > rule['score_thr'])
    order = np.argsort(-scores[cells], kind='stable')
    cells = cells[order[: rule['nms_pre']]]
    height, width = size
    limits = np.array((width, height, width, height), np.float32)
    boxes = np.clip(boxes[cells], 0, limits)
    scores = scores[cells] * factors[cells]
    if rule['min_bbox_size'] >= 0:
        sides = boxes[:, 2:] - boxes[:, :2]
        large = (sides > rule['min_bbox_size']).all(axis=1)
        boxes, scores = boxes[large], scores[large]
    kept = nms(boxes, scores, rule['iou_threshold'])[: rule['max_per_img']]
    return np.column_stack([boxes, scores])[kept].astype(np.float32)


def nms(
    boxes: np.ndarray, scores: np.ndarray, iou_threshold: float
) -> np.ndarray:
    """Indices of boxes (M, 4) that greedy non-maximum suppression keeps."""
    order = np.argsort(-scores, kind='stable')
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    kept = []
    while order.size:
        best, order = order[0], order[1:]
        kept.append(best)
        top_left = np.maximum(boxes[best, :2], boxes[order, :2])
        bottom_right = np.minimum(boxes[best, 2:], boxes[order, 2:])
        overlap = np.prod(np.maximum(bottom_right - top_left, 0), axis=1)
        union = areas[best] + areas[order] - overlap
        # Inverted boxes overlap nothing, and their areas mean nothing.
        order = order[(overlap == 0) | (overlap <= iou_threshold * union)]
    return np.array(kept, dtype=int)
