"""Pictures of predictions to the visualizer's backends."""

from pathlib import Path

import numpy as np
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement
from mmseg.engine import SegVisualizationHook

from fdep_mm.core.image import enlarge, least_scale, to_display
from fdep_mm.evaluation.functional import EvalProtocol
from fdep_mm.registry import HOOKS

from .batch_image import batch_image, overlay, scored_protocol


@HOOKS.register_module(
    name=['SIRSTVisualizationHook', 'SIRSTDetVisualizationHook']
)
class SIRSTVisualizationHook(SegVisualizationHook):
    """Draws hits, misses and false alarms; of a detector, its boxes.

    Differs from mmseg's and mmdet's hooks: small targets can be seen (see
    :func:`fdep_mm.visualization.draw_overlay`; boxes on enlarged images), mask
    and matching are those of the metrics, images without a file (synthetic
    data) are taken from the batch, a test draws every image, and boxes with
    swapped edges, which OSCAR keeps as published, are drawn. Without ground
    truth there is no target. Pictures are named ``test_NAME`` and
    ``val_NAME``, to which the backend adds the step.

    Args:
        score_thr (float): Of the boxes drawn, exclusive.
        test_out_dir (str, optional): Folder below the run's log folder for
            the boxes of a test, as mmdet's test tool sets it. Defaults to
            None: the visualizer's backends get them.
        min_side (int): Images under boxes are enlarged by a whole factor until
            their shorter side is at least this, in px.
        **kwargs: Arguments of mmseg's ``SegVisualizationHook``: ``draw``,
            ``interval`` (validation batches between pictures), ``show`` and
            ``wait_time``.

    Example:
        >>> default_hooks = dict(visualization=dict(
        ...     type='fdep_mm.SIRSTVisualizationHook', draw=True))
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
        self._rules: EvalProtocol | None = None
        self._drawn = 0

    def before_val_epoch(self, runner: Runner) -> None:
        """Note how masks are scored."""
        if self.draw:
            self._rules = scored_protocol(runner.val_evaluator)

    def before_test_epoch(self, runner: Runner) -> None:
        """Note how masks are scored, and where pictures go."""
        if self.draw:
            self._rules = scored_protocol(runner.test_evaluator)
        if self.test_out_dir is not None:
            below = runner.timestamp, self.test_out_dir
            self._folder = Path(runner.work_dir, *below)

    def after_val_iter(
        self, runner: Runner, batch_idx: int, data_batch=None, outputs=None
    ) -> None:
        """Draw the first image of every `interval`-th batch."""
        if self.draw and outputs and batch_idx % self.interval == 0:
            step = runner.iter + batch_idx
            self._add('val', outputs[0], data_batch or {}, 0, step)

    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch=None, outputs=None
    ) -> None:
        """Draw all images."""
        for i, sample in enumerate(outputs or () if self.draw else ()):
            self._drawn += 1
            self._add('test', sample, data_batch or {}, i, self._drawn)

    def _add(
        self,
        mode: str,
        sample: BaseDataElement,
        batch: dict,
        i: int,
        step: int,
    ) -> None:
        """Show or store the picture of image `i` of a batch."""
        path = sample.get('img_path', None) or f'image_{step}'
        name = f'{mode}_{Path(path).name}'
        if 'pred_instances' in sample:
            self._add_boxes(name, sample, batch, i, step)
            return
        picture = overlay(sample, batch, i, self._rules)
        if self.show:
            self._visualizer.show(picture, name, self.wait_time)
        else:
            self._visualizer.add_image(name, picture, step)

    def _add_boxes(
        self,
        name: str,
        sample: BaseDataElement,
        batch: dict,
        i: int,
        step: int,
    ) -> None:
        shape = tuple(sample.ori_shape[:2])
        scale = least_scale(shape, self.min_side)
        gray = to_display(batch_image(sample, batch, i, shape))
        picture = enlarge(gray, scale)
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
