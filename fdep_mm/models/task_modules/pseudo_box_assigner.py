"""Label assignment by boxes that are never smaller than a few cells.

*One-Stage Cascade Refinement Networks for Infrared Small Target Detection*
(OSCAR), Dai et al., IEEE TGRS 2023, https://arxiv.org/abs/2212.08472.
"""

import torch
from mmdet.models.task_modules.assigners import AssignResult, BaseAssigner
from mmengine.structures import InstanceData
from torch import Tensor

from fdep_mm.registry import TASK_UTILS


def pseudo_boxes(boxes: Tensor, side: float) -> Tensor:
    """Replace boxes (n, 4) up to ``side ** 2`` in area by centered squares."""
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2
    squares = torch.cat((centers - side / 2, centers + side / 2), dim=1)
    sizes = boxes[:, 2:] - boxes[:, :2]
    large = sizes.prod(dim=1, keepdim=True) > side**2
    return torch.where(large, boxes, squares)


@TASK_UTILS.register_module()
class PseudoBoxAssigner(BaseAssigner):
    """A point belongs to the smallest target whose pseudo box holds it.

    There are no size ranges: every target is assigned at every level. A thin
    target can have an area above ``side ** 2`` and still fall between the
    points; it is then positive nowhere at that level (1.2 % of the training
    targets of SIRST-V2 at the coarse level).

    Args:
        side (float): Side in px of the squares that stand for small targets,
            above 0. OSCAR takes 1.5 strides (6) for its refined level and
            1 stride (8) for its coarse level.

    Raises:
        ValueError: If `side` is not positive.
    """

    def __init__(self, side: float):
        if side <= 0:
            raise ValueError(f'side={side}: give a length in px above 0')
        self.side = side

    def assign(
        self,
        pred_instances: InstanceData,
        gt_instances: InstanceData,
        gt_instances_ignore: InstanceData | None = None,
    ) -> AssignResult:
        """Assign the points of one level of one image.

        Args:
            pred_instances (InstanceData): ``priors`` (N, 2), x and y in px.
            gt_instances (InstanceData): ``bboxes`` (n, 4) and ``labels`` (n,).

        Returns:
            AssignResult: ``gt_inds`` (N,), 0 for background and i + 1 for
            target i; ``labels`` (N,), -1 for background.
        """
        points, boxes = pred_instances.priors, gt_instances.bboxes
        gt_inds = points.new_zeros(len(points), dtype=torch.long)
        labels = torch.full_like(gt_inds, -1)
        if len(boxes):
            areas = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1)
            shaped = pseudo_boxes(boxes, self.side)
            xy = points[:, None]
            inside = (xy > shaped[:, :2]) & (xy < shaped[:, 2:])  # (N, n, 2)
            candidates = areas.where(inside.all(dim=-1), torch.inf)
            smallest, index = candidates.min(dim=1)
            positive = smallest.isfinite()
            gt_inds = torch.where(positive, index + 1, gt_inds)
            labels = gt_instances.labels[index].where(positive, labels)
        return AssignResult(len(boxes), gt_inds, None, labels)
