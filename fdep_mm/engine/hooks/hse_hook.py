"""Curves and pictures after an evaluation."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import mmcv
import numpy as np
from mmengine.dist import is_main_process
from mmengine.evaluator import Evaluator
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.structures import SegDataSample

from fdep_mm.core.compat import built_loops
from fdep_mm.evaluation import HSEMetric
from fdep_mm.evaluation.functional import (
    Evaluation,
    format_table,
    scale_scores,
    write_json,
)
from fdep_mm.registry import HOOKS
from fdep_mm.visualization import figure_to_array, plot_comparison

from .batch_image import overlay, scored_mask


@HOOKS.register_module()
class HSEHook(Hook):
    """Shows what :class:`fdep_mm.HSEMetric` measured.

    After each validation and test it writes the curves (IoU and F1 over the
    threshold, Pd over Fa, ROC) as JSON and PNG, and gives the picture to the
    visualizer's backends. During a test it draws the first images with their
    hits, misses and false alarms to files alone, as
    :class:`SIRSTVisualizationHook` gives pictures to the backends, and at the
    end it prints a table. All on the main process only; of a distributed test
    it draws that process's images.

    Files: ``curves_test.{json,png}``, ``curves_val_iter_N.{json,png}`` and
    ``overlays/NNN_name.png`` in `out_dir`.

    Args:
        num_images (int): Test images to draw; 0 for none.
        out_dir (str, optional): Folder to write to. Defaults to None:
            ``vis_data/hse`` in the run's log folder.
        phases (Sequence[str]): Any of 'val' and 'test', in which the hook
            acts; their evaluators must hold an HSEMetric.

    Raises:
        ValueError: If `phases` holds another name; before an evaluation, if
            its evaluator has no HSEMetric.

    Example:
        >>> test_evaluator = dict(type='fdep_mm.HSEMetric')
        >>> custom_hooks = [dict(type='fdep_mm.HSEHook', num_images=4)]
    """

    def __init__(
        self,
        num_images: int = 8,
        out_dir: str | None = None,
        phases: Sequence[str] = ('val', 'test'),
    ) -> None:
        unknown = set(phases) - {'val', 'test'}
        if unknown:
            raise ValueError(
                f"phases must be of 'val' and 'test', got {sorted(unknown)}"
            )
        self.num_images = num_images
        self.out_dir = out_dir
        self.phases = tuple(phases)
        self._drawn = 0

    def before_train(self, runner: Runner) -> None:
        """Fail before the first epoch, not after it."""
        if 'val' in self.phases and runner.val_loop is not None:
            self._metric(runner.val_evaluator, 'val')

    def before_val_epoch(self, runner: Runner) -> None:
        """Check that there is something to show."""
        if 'val' in self.phases:
            self._metric(runner.val_evaluator, 'val')

    def before_test_epoch(self, runner: Runner) -> None:
        """Check that there is something to show."""
        self._drawn = 0
        if 'test' in self.phases:
            self._metric(runner.test_evaluator, 'test')

    def after_val_epoch(
        self, runner: Runner, metrics: Mapping[str, float] | None = None
    ) -> None:
        """Write the curves of a validation."""
        if 'val' in self.phases and is_main_process():
            # Asking a runner that only validates would build a train loop.
            step = runner.iter if 'training' in built_loops(runner) else 0
            metric = self._metric(runner.val_evaluator, 'val')
            name = f'curves_val_iter_{step}'
            self._write_curves(runner, metric, name, 'hse_curves_val', step)

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: Sequence[SegDataSample] | None = None,
    ) -> None:
        """Draw images until there are `num_images`."""
        if 'test' not in self.phases or not is_main_process():
            return
        missing = max(0, self.num_images - self._drawn)
        for i, sample in enumerate((outputs or ())[:missing]):
            self._write_overlay(runner, sample, (data_batch or {}), i)
            self._drawn += 1

    def after_test_epoch(
        self, runner: Runner, metrics: Mapping[str, float] | None = None
    ) -> None:
        """Write the curves of a test and print the table."""
        if 'test' in self.phases and is_main_process():
            metric = self._metric(runner.test_evaluator, 'test')
            self._write_curves(
                runner, metric, 'curves_test', 'hse_curves_test', 0
            )
            scaled = scale_scores(metric.scores)
            runner.visualizer.add_scalars(
                {f'test/{key}': value for key, value in scaled.items()}
            )
            runner.logger.info('\n' + format_table(metric.scores))
            runner.logger.info(f'curves and pictures: {self._folder(runner)}')

    @staticmethod
    def _metric(evaluator: Evaluator, phase: str) -> HSEMetric:
        for metric in evaluator.metrics:
            if isinstance(metric, HSEMetric):
                return metric
        names = [type(metric).__name__ for metric in evaluator.metrics]
        raise ValueError(
            f'HSEHook needs an HSEMetric, but {phase}_evaluator has {names}: '
            f"add dict(type='fdep_mm.HSEMetric') to {phase}_evaluator, or "
            f"leave {phase!r} out of HSEHook's phases"
        )

    def _folder(self, runner: Runner) -> Path:
        if self.out_dir is not None:
            return Path(self.out_dir)
        return Path(runner.log_dir) / 'vis_data' / 'hse'

    def _write_curves(
        self, runner: Runner, metric: HSEMetric, stem: str, tag: str, step: int
    ) -> None:
        folder = self._folder(runner)
        folder.mkdir(parents=True, exist_ok=True)
        settings = metric.protocol.settings()
        write_json(
            folder / f'{stem}.json', metric.scores, metric.curves, settings
        )
        evaluation = Evaluation(metric.scores, metric.curves)
        name = Path(runner.cfg.filename or 'network').stem
        figure = plot_comparison({name: [evaluation]})
        picture = figure_to_array(figure)
        _write_image(folder / f'{stem}.png', picture)
        runner.visualizer.add_image(tag, picture, step)

    def _write_overlay(
        self, runner: Runner, sample: SegDataSample, data_batch: dict, i: int
    ) -> None:
        protocol = self._metric(runner.test_evaluator, 'test').protocol
        rules = protocol.radius, protocol.match, protocol.connectivity
        pred = scored_mask(sample, protocol.threshold)
        picture = overlay(sample, data_batch, i, pred, *rules)
        stem = Path(sample.get('img_path', None) or 'image').stem
        name = f'{self._drawn:03d}_{stem}'
        _write_image(
            self._folder(runner) / 'overlays' / f'{name}.png', picture
        )


def _write_image(path: Path, image: np.ndarray) -> None:
    mmcv.imwrite(mmcv.rgb2bgr(image), str(path))
