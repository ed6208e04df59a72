"""RFLA: label assignment by Gaussian receptive fields.

*RFLA: Gaussian Receptive Field based Label Assignment for Tiny Object
Detection*, Xu et al., ECCV 2022, https://arxiv.org/abs/2208.08738. Written
from the description; its code is Apache-2.0.

Differences from the published code:

* The shrunk priors of the second stage are a new tensor. There they replace
  the priors of the whole batch, so that the targets of an image depend on how
  many images with targets come before it.
* No "ignore" state: the published head trains such priors as negatives.
"""

import torch
from mmdet.models.task_modules.assigners import AssignResult, BaseAssigner
from mmengine.structures import InstanceData
from torch import Tensor

from fdep_mm.registry import TASK_UTILS


def kld_similarity(targets: Tensor, priors: Tensor) -> Tensor:
    """Similarity 1 / (1 + KL(prior || target)) of boxes taken as Gaussians.

    A box is the Gaussian at its center with half its size as standard
    deviations. Targets (G, 4) and priors (N, 4) give (G, N) in (0, 1].
    """
    mean1, size1 = _gaussian(targets[:, None])
    mean2, size2 = _gaussian(priors[None])
    ratio = (size2 / size1).square()
    shift = 2 * (mean2 - mean1) / size1
    divergence = (ratio + shift.square() - ratio.log() - 1).sum(-1) / 2
    return 1 / (1 + divergence)


def _gaussian(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Center and size of boxes (..., 4); a size is never zero."""
    corner1, corner2 = boxes[..., :2], boxes[..., 2:]
    return (corner1 + corner2) / 2, corner2 - corner1 + 1e-6


@TASK_UTILS.register_module()
class RFLAAssigner(BaseAssigner):
    """Hierarchical assignment of receptive fields to targets.

    Stage 1: every target takes the priors most similar to it, equally similar
    ones included; of targets that want the same prior the later one in the
    annotation gets it. Stage 2: the same with shrunk priors, for priors that
    stage 1 left over. There is no test whether a prior's center lies inside
    the target.

    Args:
        topk (tuple[int, int]): Priors per target in stage 1 and stage 2.
        ratio (float): Factor on the size of the priors in stage 2, above 0.

    Raises:
        ValueError: If `topk` are not two positive numbers or `ratio` is not
            positive.
    """

    def __init__(
        self, topk: tuple[int, int] = (6, 1), ratio: float = 0.9
    ) -> None:
        if len(topk) != 2 or min(topk) < 1:
            raise ValueError(
                f'topk must be two positive numbers, one per stage, got {topk}'
            )
        if not ratio > 0:
            raise ValueError(f'ratio must be positive, got {ratio}')
        self.topk = tuple(topk)
        self.ratio = ratio

    @torch.no_grad()
    def assign(
        self,
        pred_instances: InstanceData,
        gt_instances: InstanceData,
        gt_instances_ignore: InstanceData | None = None,
    ) -> AssignResult:
        """Assign the priors of one image.

        Args:
            pred_instances (InstanceData): ``priors``, (N, 4) boxes in px.
            gt_instances (InstanceData): ``bboxes`` (G, 4) and ``labels`` (G,).

        Returns:
            AssignResult: ``gt_inds`` (N,): 0 for background, i + 1 for target
            i; ``max_overlaps`` (N,): best similarity; ``labels`` (N,): -1 for
            background.
        """
        priors, targets = pred_instances.priors, gt_instances.bboxes
        similarity = kld_similarity(targets, priors)
        shrunk = kld_similarity(targets, _scale_boxes(priors, self.ratio))
        first = _take_top(similarity, self.topk[0])
        second = _take_top(shrunk, self.topk[1])
        gt_inds = torch.where(first > 0, first, second)
        labels = torch.full_like(gt_inds, -1)
        positive = gt_inds > 0
        labels[positive] = gt_instances.labels[gt_inds[positive] - 1]
        best = similarity.new_zeros(len(priors))
        if len(targets):
            best = similarity.amax(0)
        return AssignResult(len(targets), gt_inds, best, labels)


def _take_top(similarity: Tensor, num: int) -> Tensor:
    """(N,) 1-based index of the last target that has a prior in its top."""
    num_targets, num_priors = similarity.shape
    if not num_targets or not num_priors:
        return similarity.new_zeros(num_priors, dtype=torch.long)
    worst = similarity.topk(min(num, num_priors), dim=1).values[:, -1:]
    index = torch.arange(1, num_targets + 1, device=similarity.device)
    return ((similarity >= worst) * index[:, None]).amax(0)


def _scale_boxes(boxes: Tensor, ratio: float) -> Tensor:
    corner1, corner2 = boxes[:, :2], boxes[:, 2:]
    center, half = (corner1 + corner2) / 2, (corner2 - corner1) * ratio / 2
    return torch.cat((center - half, center + half), 1)
