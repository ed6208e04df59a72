"""From OSCAR's maps to boxes, scores and points, in plain tensor operations.

*One-Stage Cascade Refinement Networks for Infrared Small Target Detection*,
Dai et al., IEEE TGRS 2023, https://arxiv.org/abs/2212.08472.

Differences from the paper's code: :func:`noco_centroids` is ours.
"""

import torch
import torch.nn.functional as F
from mmdet.models.utils import filter_scores_and_topk
from mmdet.structures.bbox import distance2bbox
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData
from torch import Tensor

from .oscar_head_module import OSCARMaps


def rows(maps: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, H * W, C), in the order of the points."""
    return maps.flatten(2).transpose(1, 2)


def decode_boxes(
    maps: OSCARMaps, points: Tensor, stride: int, detach_anchors: bool
) -> tuple[Tensor, Tensor]:
    """Boxes of every cell in px of the network's input, not clipped.

    Coarse ones (B, h * w, 4) are (px - l, py - t, px + r, py + b) of the
    `points` (h * w, 2) and four distances; refined ones (B, H * W, 4), which
    can be inverted, are anchor + stride * corner offsets. The anchor is the
    coarse box that covers the cell. Gives refined and coarse ones.
    """
    coarse = distance2bbox(points, rows(maps.coarse_reg))
    grid = coarse.transpose(1, 2).view_as(maps.coarse_reg)
    anchors = F.interpolate(grid, maps.refine_reg.shape[-2:])
    if detach_anchors:
        anchors = anchors.detach()
    return rows(anchors + stride * maps.refine_reg), coarse


def decode_scores(maps: OSCARMaps) -> tuple[Tensor, Tensor]:
    """Class scores of the refined cells, and what they are multiplied by.

    ``score = s(refine_cls) * (s(coarse_cls) * s(noco))``, s the sigmoid. Both
    factors are (B, H * W, num_classes), apart because the score threshold
    applies to the first alone.
    """
    coarse = F.interpolate(maps.coarse_cls, maps.refine_cls.shape[-2:])
    factors = coarse.sigmoid() * maps.refine_noco.sigmoid()
    return rows(maps.refine_cls.sigmoid()), rows(factors)


def best_cells(
    boxes: Tensor,
    scores: Tensor,
    factors: Tensor,
    img_shape: tuple[int, int],
    cfg: ConfigDict,
) -> InstanceData:
    """The best cells of an image: boxes (N, 4), clipped, and their scores."""
    scores, labels, cells, _ = filter_scores_and_topk(
        scores, cfg.score_thr, cfg.nms_pre
    )
    height, width = img_shape[:2]
    limits = boxes.new_tensor((width, height, width, height))
    return InstanceData(
        bboxes=boxes[cells].clamp(min=0).minimum(limits),
        scores=scores,
        labels=labels,
        score_factors=factors[cells, labels],
    )


def noco_centroids(boxes: Tensor, noco: Tensor, stride: int) -> Tensor:
    """Points (n, 2), x and y in px, of high NoCo in boxes.

    The mean place, weighted by the square of NoCo, of the 3x3 cells around
    the best cell whose sampled pixel lies in the box, drawn back to the
    center of the box's outermost pixel if a neighbor pulls it out; the box's
    center if there is no such cell. Pixel k covers k to k + 1; cell j of the
    map stands for pixel ``stride * j + stride // 2``, as in training.
    """
    height, width = noco.shape
    x, y = (
        stride * torch.arange(n, device=noco.device) + stride // 2 + 0.5
        for n in (width, height)
    )
    places = torch.stack((x.expand(height, width), y[:, None].expand_as(noco)))
    weight = noco[None].square()
    # weighted x, weighted y and weight, summed over 3x3 cells
    sums = F.avg_pool2d(
        torch.cat((places * weight, weight)), 3, 1, 1, divisor_override=1
    ).flatten(1)
    flat = places.flatten(1)
    low, high = boxes[:, :2, None], boxes[:, 2:, None]
    inside = ((flat >= low) & (flat < high)).all(dim=1)  # (n, H * W)
    best, cell = noco.flatten().where(inside, -1.0).max(dim=1)
    peaks = (sums[:2] / sums[2].clamp(min=1e-12))[:, cell].T
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2
    reach = ((boxes[:, 2:] - boxes[:, :2] - 1) / 2).clamp(min=0)
    peaks = peaks.clamp(centers - reach, centers + reach)
    return torch.where(best[:, None] > 0, peaks, centers)
