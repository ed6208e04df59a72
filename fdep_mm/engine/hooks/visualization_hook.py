"""Pictures of predictions to the visualizer's backends."""

from collections.abc import Sequence
from pathlib import Path

from mmengine.runner import Runner
from mmseg.engine import SegVisualizationHook
from mmseg.structures import SegDataSample

from fdep_mm.registry import HOOKS
from fdep_mm.visualization import draw_overlay

from .batch_image import batch_image


@HOOKS.register_module()
class SIRSTVisualizationHook(SegVisualizationHook):
    """Draws hits, misses and false alarms instead of coloured areas.

    Differs from mmseg's hook in that images without a file (synthetic data)
    are taken from the batch, that small targets can be seen
    (:func:`fdep_mm.visualization.draw_overlay`), and that a test draws every
    image on either stack. A sample without ground truth is drawn as if there
    were no target.

    Pictures are named as mmseg names them: ``test_NAME`` and ``val_NAME``,
    to which the backend adds the step.

    Args:
        radius (float): Of a hit, in px, exclusive. Defaults to 3.
        match (str): 'greedy' or 'hungarian'. Defaults to 'greedy'.
        connectivity (int): 8 or 4. Defaults to 8.
        **kwargs: Arguments of mmseg's ``SegVisualizationHook``: ``draw``,
            ``interval`` (validation batches between pictures), ``show`` and
            ``wait_time``.

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
        self._drawn = 0

    def after_val_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: Sequence[SegDataSample] | None = None,
    ) -> None:
        """Draw the first image of every `interval`-th batch.

        Args:
            runner (Runner): The running one.
            batch_idx (int): Position of the batch in the loop.
            data_batch (dict, optional): What the data loader gave.
            outputs (Sequence[SegDataSample], optional): Predictions.
        """
        if self.draw and outputs and batch_idx % self.interval == 0:
            step = runner.iter + batch_idx
            self._add(outputs[0], data_batch or {}, 0, 'val', step)

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: Sequence[SegDataSample] | None = None,
    ) -> None:
        """Draw all images.

        Args:
            runner (Runner): The running one.
            batch_idx (int): Not used.
            data_batch (dict, optional): What the data loader gave.
            outputs (Sequence[SegDataSample], optional): Predictions.
        """
        for i, sample in enumerate(outputs or () if self.draw else ()):
            self._drawn += 1
            self._add(sample, data_batch or {}, i, 'test', self._drawn)

    def _add(
        self,
        sample: SegDataSample,
        data_batch: dict,
        i: int,
        mode: str,
        step: int,
    ) -> None:
        pred = sample.pred_sem_seg.data[0].cpu().numpy() > 0
        mask = pred & False
        if 'gt_sem_seg' in sample:
            mask = sample.gt_sem_seg.data[0].cpu().numpy() > 0
        image = batch_image(sample, data_batch, i, pred.shape)
        picture = draw_overlay(
            image, pred, mask, self.radius, self.match, self.connectivity
        )
        name = Path(sample.get('img_path', None) or f'image_{step}').name
        if self.show:
            self._visualizer.show(picture, name, self.wait_time)
        else:
            self._visualizer.add_image(f'{mode}_{name}', picture, step)
