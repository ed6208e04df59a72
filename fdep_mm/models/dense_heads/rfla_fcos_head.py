"""FCOS with RFLA label assignment.

*RFLA: Gaussian Receptive Field based Label Assignment for Tiny Object
Detection*, Xu et al., ECCV 2022, https://arxiv.org/abs/2208.08738; see
:mod:`fdep_mm.models.task_modules.rfla_assigner`.

Difference from the published code: the assigner is ``train_cfg.assigner``;
there the head ignores the config and builds its own.
"""

from collections.abc import Sequence

import torch
from mmdet.models.dense_heads import FCOSHead
from mmengine.structures import InstanceData
from torch import Tensor

from fdep_mm.registry import MODELS, TASK_UTILS

# Theoretical receptive fields of ResNet-50-FPN, levels P3 to P7, in px.
RESNET50_P3_TO_P7 = (91, 267, 427, 555, 811)


@MODELS.register_module()
class RFLAFCOSHead(FCOSHead):
    """FCOS head that assigns each target to the points most like it.

    The prior of a point is the square of its level's effective receptive
    field around it. A point may lie outside its target: its distances to the
    far sides are then negative, and :meth:`centerness_target` counts them as
    0.01.

    Args:
        receptive_fields (Sequence[float]): Theoretical receptive field of
            each level in px. Defaults to those of P3 to P7 of ResNet-50-FPN.
        fraction (float): Effective / theoretical receptive field.
        **kwargs: As in mmdet's ``FCOSHead``. ``train_cfg.assigner`` is the
            config of the assigner; `regress_ranges` have no effect.

    Raises:
        ValueError: If there is not one receptive field per level, or one is
            not positive.
    """

    def __init__(
        self,
        receptive_fields: Sequence[float] = RESNET50_P3_TO_P7,
        fraction: float = 0.5,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        if len(receptive_fields) != len(self.strides):
            raise ValueError(
                'receptive_fields must be one per level: got '
                f'{len(receptive_fields)} for {len(self.strides)} strides'
            )
        self.sides = [fraction * field for field in receptive_fields]
        if not min(self.sides) > 0:
            raise ValueError(
                'fraction and receptive_fields must be positive, got '
                f'{fraction} and {tuple(receptive_fields)}'
            )
        self.assigner = None
        if self.train_cfg:
            self.assigner = TASK_UTILS.build(self.train_cfg['assigner'])

    def _get_targets_single(
        self,
        gt_instances: InstanceData,
        points: Tensor,
        regress_ranges: Tensor,
        num_points_per_lvl: list[int],
    ) -> tuple[Tensor, Tensor]:
        """Labels (N,) and distances to the sides (N, 4) of one image's points.

        Background has the label `num_classes` and zeros.
        """
        if self.assigner is None:
            raise ValueError(
                'RFLAFCOSHead has no assigner to learn with: give it '
                "train_cfg=dict(assigner=dict(type='fdep_mm.RFLAAssigner'))"
            )
        sides = torch.repeat_interleave(
            points.new_tensor(self.sides),
            torch.tensor(num_points_per_lvl, device=points.device),
        )
        half = sides[:, None] / 2
        priors = torch.cat((points - half, points + half), 1)
        gt_inds = self.assigner.assign(
            InstanceData(priors=priors), gt_instances
        ).gt_inds
        positive = gt_inds > 0
        chosen = gt_inds[positive] - 1
        labels = torch.full_like(gt_inds, self.num_classes)
        labels[positive] = gt_instances.labels[chosen]
        targets = points.new_zeros(len(points), 4)
        targets[positive] = self.bbox_coder.encode(
            points[positive], gt_instances.bboxes[chosen]
        )
        return labels, targets

    def centerness_target(self, pos_bbox_targets: Tensor) -> Tensor:
        """Centerness (P,) of points that may lie outside their targets.

        `pos_bbox_targets` (P, 4) are distances to the sides.
        """
        return super().centerness_target(pos_bbox_targets.clamp(min=0.01))
