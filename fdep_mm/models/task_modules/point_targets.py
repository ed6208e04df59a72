"""Targets of one level's points, from any assigner."""

import torch
from mmdet.models.task_modules.assigners import BaseAssigner
from mmdet.utils import InstanceList
from mmengine.structures import InstanceData
from torch import Tensor


def point_targets(
    points: Tensor,
    assigner: BaseAssigner,
    gt_instances: InstanceList,
    boxes: list[Tensor],
    num_classes: int,
) -> tuple[Tensor, Tensor]:
    """Labels (B, N) of points (N, 2), and boxes (P, 4) of the positive ones.

    The boxes are those of `boxes`, (n, 4) for each image; background has the
    label `num_classes`.
    """
    labels, targets = [], []
    priors = InstanceData(priors=points)
    for gt, gt_boxes in zip(gt_instances, boxes, strict=True):
        result = assigner.assign(priors, gt)
        positive = result.gt_inds > 0
        labels.append(result.labels.where(positive, num_classes))
        targets.append(gt_boxes[result.gt_inds[positive] - 1])
    return torch.stack(labels), torch.cat(targets)
