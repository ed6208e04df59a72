"""Pictures of predictions to the visualizer's backends."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement
from mmseg.engine import SegVisualizationHook
from mmseg.structures import SegDataSample

from fdep_mm.core.image import to_display
from fdep_mm.registry import HOOKS
from fdep_mm.visualization import draw_overlay

from .batch_image import batch_image, scored_mask, scored_threshold


class PictureHook(SegVisualizationHook):
    """When to draw what; a child says how.

    Pictures are named as mmseg names them: ``test_NAME`` and ``val_NAME``,
    to which the backend adds the step.

    Args:
        **kwargs: Arguments of mmseg's ``SegVisualizationHook``: ``draw``,
            ``interval`` (validation batches between pictures), ``show`` and
            ``wait_time``.
    """

    def __init__(self, **kwargs) -> None:
        super().__init__(**kwargs)
        self._drawn = 0

    def after_val_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: Sequence[BaseDataElement] | None = None,
    ) -> None:
        """Draw the first image of every `interval`-th batch."""
        if self.draw and outputs and batch_idx % self.interval == 0:
            step = runner.iter + batch_idx
            self._name_and_add('val', outputs[0], data_batch, 0, step)

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: Sequence[BaseDataElement] | None = None,
    ) -> None:
        """Draw all images."""
        for i, sample in enumerate(outputs or () if self.draw else ()):
            self._drawn += 1
            self._name_and_add('test', sample, data_batch, i, self._drawn)

    def _name_and_add(
        self,
        mode: str,
        sample: BaseDataElement,
        data_batch: dict | None,
        i: int,
        step: int,
    ) -> None:
        path = sample.get('img_path', None) or f'image_{step}'
        name = f'{mode}_{Path(path).name}'
        self._add(name, sample, data_batch or {}, i, step)

    def _add(
        self,
        name: str,
        sample: BaseDataElement,
        data_batch: dict,
        i: int,
        step: int,
    ) -> None:
        """Show or store the picture of image `i` of a batch."""
        raise NotImplementedError


@HOOKS.register_module()
class SIRSTVisualizationHook(PictureHook):
    """Draws hits, misses and false alarms instead of coloured areas.

    Differs from mmseg's hook in that images without a file (synthetic data)
    are taken from the batch, that small targets can be seen
    (:func:`fdep_mm.visualization.draw_overlay`), that a test draws every
    image on either stack, and that the mask is the one that is scored. A
    sample without ground truth is drawn as if there were no target.

    Args:
        radius (float): Of a hit, in px, exclusive.
        match (str): 'greedy' or 'hungarian'.
        connectivity (int): 8 or 4.
        **kwargs: See :class:`PictureHook`.

    Example:
        >>> default_hooks = dict(visualization=dict(
        ...     type='fdep_mm.SIRSTVisualizationHook', draw=True))
    """

    def __init__(
        self,
        radius: float = 3.0,
        match: str = 'greedy',
        connectivity: int = 8,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.radius = radius
        self.match = match
        self.connectivity = connectivity
        self._threshold: float | None = None

    def before_val_epoch(self, runner: Runner) -> None:
        """Note the threshold of the scores."""
        if self.draw:
            self._threshold = scored_threshold(runner.val_evaluator)

    def before_test_epoch(self, runner: Runner) -> None:
        """Note the threshold of the scores."""
        if self.draw:
            self._threshold = scored_threshold(runner.test_evaluator)

    def _add(
        self,
        name: str,
        sample: SegDataSample,
        data_batch: dict,
        i: int,
        step: int,
    ) -> None:
        pred = scored_mask(sample, self._threshold)
        mask = pred & False
        if 'gt_sem_seg' in sample:
            mask = sample.gt_sem_seg.data[0].cpu().numpy() > 0
        image = batch_image(sample, data_batch, i, pred.shape)
        picture = draw_overlay(
            image, pred, mask, self.radius, self.match, self.connectivity
        )
        if self.show:
            self._visualizer.show(picture, name, self.wait_time)
        else:
            self._visualizer.add_image(name, picture, step)


@HOOKS.register_module()
class SIRSTDetVisualizationHook(PictureHook):
    """Draws a detector's boxes, with mmdet's visualizer.

    Differs from mmdet's hook in that images without a file (synthetic data)
    are taken from the batch, that small ones are enlarged, and that boxes
    with swapped edges, which OSCAR keeps as published, are drawn.

    Args:
        score_thr (float): Of the boxes drawn, exclusive.
        test_out_dir (str, optional): Folder below the log folder of the run
            for the pictures of a test, as mmdet's own tool sets it. Defaults
            to None: the backends of the visualizer get them.
        min_side (int): Images are enlarged by the smallest integer factor that
            makes their shorter side at least this, in px.
        **kwargs: See :class:`PictureHook`.
    """

    def __init__(
        self,
        score_thr: float = 0.3,
        test_out_dir: str | None = None,
        min_side: int = 512,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.score_thr = score_thr
        self.test_out_dir = test_out_dir
        self.min_side = min_side
        self._folder: Path | None = None

    def before_test_epoch(self, runner: Runner) -> None:
        """Note where pictures go."""
        if self.test_out_dir is not None:
            self._folder = Path(
                runner.work_dir, runner.timestamp, self.test_out_dir
            )

    def _add(
        self,
        name: str,
        sample: BaseDataElement,
        data_batch: dict,
        i: int,
        step: int,
    ) -> None:
        shape = tuple(sample.ori_shape[:2])
        scale = max(1, -(-self.min_side // min(shape)))
        grey = to_display(batch_image(sample, data_batch, i, shape))
        picture = grey.repeat(scale, axis=0).repeat(scale, axis=1)
        self._visualizer.add_datasample(
            name,
            np.repeat(picture[..., None], 3, axis=-1),
            _enlarge(sample, scale),
            show=self.show,
            wait_time=self.wait_time,
            pred_score_thr=self.score_thr,
            out_file=self._folder and str(self._folder / f'{name}_{step}.png'),
            step=step,
        )


def _enlarge(sample: BaseDataElement, scale: int) -> BaseDataElement:
    """True and found boxes in px of the picture, their edges in order."""
    enlarged = sample.clone()
    for field in ('gt_instances', 'pred_instances'):
        if field in sample:
            found = sample.get(field).clone()
            boxes = getattr(found.bboxes, 'tensor', found.bboxes) * scale
            corners = boxes.view(-1, 2, 2)
            found.bboxes = corners.sort(dim=1).values.flatten(1)
            setattr(enlarged, field, found)
    return enlarged
