"""OSCAR's head: targets, losses and prediction.

*One-Stage Cascade Refinement Networks for Infrared Small Target Detection*,
Dai et al., IEEE TGRS 2023, https://arxiv.org/abs/2212.08472. The networks are
in ``oscar_head_module.py``.

Differences from the paper's code:

* losses are computed in float32; there, mixed precision ran the focal losses
  in half precision, which gave infinite losses and skipped steps;
* `detach_anchors` is an option; False, the default, is the paper's.
"""

from collections.abc import Iterator

import torch.nn.functional as F
from mmdet.models.dense_heads.base_dense_head import BaseDenseHead
from mmdet.models.task_modules.prior_generators import MlvlPointGenerator
from mmdet.structures import SampleList
from mmdet.utils import InstanceList, reduce_mean
from mmengine.config import ConfigDict
from torch import Tensor

from fdep_mm.registry import MODELS, TASK_UTILS

from ..data_preprocessors.oscar_data_preprocessor import stack_noco
from ..task_modules.point_targets import point_targets
from ..task_modules.pseudo_box_assigner import PseudoBoxAssigner, pseudo_boxes
from .oscar_decoding import (
    best_cells,
    decode_boxes,
    decode_scores,
    noco_centroids,
    rows,
)
from .oscar_head_module import OSCARMaps

_HINT = (
    'give it train_cfg=dict(coarse_assigner=..., refine_assigner=...), each '
    "dict(type='fdep_mm.PseudoBoxAssigner', ...)"
)


@MODELS.register_module()
class OSCARHead(BaseDenseHead):
    """Coarse boxes at P3 are anchors of refined boxes at P2.

    The loss is the sum of five: focal and DIoU at each level, and that of the
    NoCo map. Boxes and scores are in ``oscar_decoding.py``.

    Args:
        head_module (dict): The networks, e.g. an ``OSCARHeadModule``.
        strides (tuple[int, int]): Of P2 and P3 in px.
        detach_anchors (bool): Whether the refined boxes' loss leaves the
            coarse regression alone. Defaults to False, as published.
        loss_cls (dict): Of both levels' classes; divided by the number of
            positives.
        loss_bbox (dict): Of both levels' boxes; averaged over positives.
        loss_noco (dict): Of the NoCo map.
        train_cfg (dict, optional): ``coarse_assigner``, ``refine_assigner``:
            :class:`PseudoBoxAssigner` configs.
        test_cfg (dict, optional): ``score_thr`` (of the refined class score
            alone), ``nms_pre``, ``nms``, ``max_per_img``, ``min_bbox_size``
            (0 drops inverted and empty boxes, -1 keeps them as published).
    """

    def __init__(
        self,
        head_module: dict,
        strides: tuple[int, int] = (4, 8),
        detach_anchors: bool = False,
        loss_cls: dict = dict(
            type='mmdet.FocalLoss', gamma=3.0, alpha=0.25, loss_weight=2.0
        ),
        loss_bbox: dict = dict(type='mmdet.DIoULoss'),
        loss_noco: dict = dict(
            type='fdep_mm.RegQualityFocalLoss', loss_weight=1000.0
        ),
        train_cfg: dict | None = None,
        test_cfg: dict | None = None,
    ):
        super().__init__()
        self.head_module = MODELS.build(head_module)
        self.num_classes = self.head_module.num_classes
        self.strides = strides
        self.point_generator = MlvlPointGenerator(strides)
        self.detach_anchors = detach_anchors
        self.loss_cls = MODELS.build(loss_cls)
        self.loss_bbox = MODELS.build(loss_bbox)
        self.loss_noco = MODELS.build(loss_noco)
        self.test_cfg = test_cfg and ConfigDict(test_cfg)
        self.coarse_assigner, self.refine_assigner = _assigners(train_cfg)

    def forward(self, x: tuple[Tensor, Tensor]) -> OSCARMaps:
        """Predict from P2 and P3, see ``OSCARHeadModule``."""
        return self.head_module(x)

    def points(self, maps: OSCARMaps) -> tuple[Tensor, Tensor]:
        """Centers of the cells in px: (H * W, 2) of P2, (h * w, 2) of P3."""
        levels = maps.refine_reg, maps.coarse_reg
        fine, coarse = self.point_generator.grid_priors(
            [level.shape[-2:] for level in levels],
            dtype=levels[0].dtype,
            device=levels[0].device,
        )
        return fine, coarse

    def decode_boxes(self, maps: OSCARMaps) -> tuple[Tensor, Tensor]:
        """Refined (B, H * W, 4) and coarse (B, h * w, 4) boxes in px."""
        points = self.points(maps)[1]
        return decode_boxes(maps, points, self.strides[0], self.detach_anchors)

    def loss(
        self, x: tuple[Tensor, Tensor], batch_data_samples: SampleList
    ) -> dict[str, Tensor]:
        """Losses of samples with ``gt_instances`` and ``gt_noco``.

        The maps are padded to the shape of the batch.
        """
        gt_instances = [sample.gt_instances for sample in batch_data_samples]
        noco = stack_noco(batch_data_samples)
        return self.loss_by_feat(self(x), gt_instances, noco)

    def loss_by_feat(
        self, maps: OSCARMaps, gt_instances: InstanceList, noco: Tensor
    ) -> dict[str, Tensor]:
        """Losses of the maps.

        Args:
            gt_instances (InstanceList): ``bboxes`` (n, 4) in px and
                ``labels`` (n,) of each image.
            noco (Tensor): (B, 1, padded height, padded width) in 0..1.
        """
        if self.coarse_assigner is None:
            raise ValueError(
                f'OSCARHead has no assigners to learn with: {_HINT}'
            )
        fine_points, coarse_points = self.points(maps)
        refined, coarse = self.decode_boxes(maps)
        true_boxes = [gt.bboxes for gt in gt_instances]
        # the coarse level learns the enlarged boxes that it was assigned by
        shaped_boxes = [
            pseudo_boxes(boxes, self.coarse_assigner.side)
            for boxes in true_boxes
        ]
        level = maps.coarse_cls, coarse, coarse_points, self.coarse_assigner
        coarse_cls, coarse_bbox = self._level_losses(
            *level, gt_instances, shaped_boxes
        )
        level = maps.refine_cls, refined, fine_points, self.refine_assigner
        refine_cls, refine_bbox = self._level_losses(
            *level, gt_instances, true_boxes
        )
        noco = F.interpolate(
            noco, maps.refine_noco.shape[-2:], mode='nearest-exact'
        )
        return dict(
            loss_coarse_cls=coarse_cls,
            loss_coarse_bbox=coarse_bbox,
            loss_refine_cls=refine_cls,
            loss_refine_bbox=refine_bbox,
            loss_refine_noco=self.loss_noco(maps.refine_noco, noco),
        )

    def _level_losses(
        self,
        logits: Tensor,
        boxes: Tensor,
        points: Tensor,
        assigner: PseudoBoxAssigner,
        gt_instances: InstanceList,
        gt_boxes: list[Tensor],
    ) -> tuple[Tensor, Tensor]:
        """Class and box loss of maps (B, C, H, W) and boxes (B, H * W, 4)."""
        labels, targets = point_targets(
            points, assigner, gt_instances, gt_boxes, self.num_classes
        )
        positives = max(len(targets), 1)
        all_positives = reduce_mean(logits.new_tensor(float(len(targets))))
        loss_cls = self.loss_cls(
            rows(logits).flatten(0, 1),
            labels.flatten(),
            avg_factor=all_positives.clamp(min=1),
        )
        loss_bbox = self.loss_bbox(
            boxes[labels < self.num_classes], targets, avg_factor=positives
        )
        return loss_cls, loss_bbox

    def predict_by_feat(
        self,
        *maps: Tensor,
        batch_img_metas: list[dict],
        cfg: ConfigDict | None = None,
        rescale: bool = False,
        with_nms: bool = True,
    ) -> InstanceList:
        """Detections of each image.

        Args:
            cfg (ConfigDict, optional): Instead of ``test_cfg``.
            rescale (bool): Whether boxes are in px of the original image.

        Returns:
            InstanceList: ``bboxes`` (n, 4), ``scores`` (n,), ``labels``
            (n,) and ``centroids`` (n, 2), see :func:`noco_centroids`.
        """
        cfg = self.test_cfg if cfg is None else cfg
        maps = OSCARMaps(*(part.detach() for part in maps))
        boxes, _ = self.decode_boxes(maps)
        results = []
        for *image, noco, meta in zip(
            boxes,
            *decode_scores(maps),
            maps.refine_noco.sigmoid()[:, 0],
            batch_img_metas,
            strict=True,
        ):
            found = best_cells(*image, meta['img_shape'], cfg)
            # absent if no transform resized the image
            scale = meta.get('scale_factor', (1.0, 1.0))
            meta = dict(meta, scale_factor=scale)
            found = self._bbox_post_process(
                found, cfg, rescale, with_nms, img_meta=meta
            )
            scale = boxes.new_tensor(scale if rescale else (1.0, 1.0))
            in_input = found.bboxes * scale.repeat(2)
            points = noco_centroids(in_input, noco, self.strides[0])
            found.centroids = points / scale
            results.append(found)
        return results


def _assigners(cfg: dict | None) -> Iterator[PseudoBoxAssigner | None]:
    """Of the coarse and of the refined level."""
    for level in ('coarse_assigner', 'refine_assigner'):
        if cfg is not None and level not in cfg:
            raise ValueError(f'train_cfg of OSCARHead lacks {level}: {_HINT}')
        yield None if cfg is None else TASK_UTILS.build(cfg[level])
