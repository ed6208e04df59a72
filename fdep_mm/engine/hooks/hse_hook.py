"""Curves and pictures after an evaluation."""

from collections.abc import Sequence
from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from fdep_mm.core.choices import check_choice
from fdep_mm.core.compat import built_loops
from fdep_mm.core.image import write_png
from fdep_mm.evaluation import HSEMetric
from fdep_mm.evaluation.functional import (
    Evaluation,
    format_table,
    scale_scores,
    write_json,
)
from fdep_mm.registry import HOOKS
from fdep_mm.visualization import figure_to_array, plot_comparison

from .batch_image import overlay


@HOOKS.register_module()
class HSEHook(Hook):
    """Shows what :class:`fdep_mm.HSEMetric` measured.

    After a validation or test it draws the curves (IoU and F1 over the
    threshold, Pd over Fa, ROC) and gives their picture to the visualizer's
    backends. In a test it draws the first images of the main process with
    their hits, misses and false alarms, and prints a table.

    Files: ``curves_test.png``, ``curves_val_iter_N.{json,png}`` and
    ``overlays/NNN_name.png`` in `out_dir`. The numbers of a test are in the
    ``result.json`` of :class:`fdep_mm.ResultWriterHook`.

    Args:
        num_images (int): Test images to draw; 0 for none.
        out_dir (str, optional): Folder to write to. Defaults to None:
            ``vis_data/hse`` in the run's log folder.
        phases (Sequence[str]): 'val', 'test' or both: when the hook acts.

    Raises:
        ValueError: A phase is unknown, or its evaluator has no HSEMetric.

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
        for phase in phases:
            check_choice('phases', phase, ('val', 'test'))
        self.num_images = num_images
        self.out_dir = out_dir
        self.phases = tuple(phases)
        self._drawn = 0

    def before_run(self, runner: Runner) -> None:
        """Fail before the first epoch, not after it."""
        if 'val' in self.phases and 'validation' in built_loops(runner):
            _metric(runner, 'val')

    def before_test_epoch(self, runner: Runner) -> None:
        """Check that there is something to show."""
        self._drawn = 0
        if 'test' in self.phases:
            _metric(runner, 'test')

    def after_val_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Write and draw the curves of a validation."""
        if 'val' in self.phases and is_main_process():
            # Asking a runner that only validates would build a train loop.
            step = runner.iter if 'training' in built_loops(runner) else 0
            stem = f'curves_val_iter_{step}'
            metric = _metric(runner, 'val')
            found = metric.scores, metric.curves, metric.protocol.settings()
            write_json(self._folder(runner) / f'{stem}.json', *found)
            self._draw_curves(runner, 'val', stem, step)

    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch=None, outputs=None
    ) -> None:
        """Draw images until there are `num_images`."""
        if 'test' not in self.phases or not is_main_process():
            return
        rules = _metric(runner, 'test').protocol
        missing = max(0, self.num_images - self._drawn)
        for i, sample in enumerate((outputs or ())[:missing]):
            picture = overlay(sample, data_batch or {}, i, rules)
            stem = Path(sample.get('img_path', None) or 'image').stem
            name = f'overlays/{self._drawn:03d}_{stem}.png'
            write_png(self._folder(runner) / name, picture[..., ::-1])
            self._drawn += 1

    def after_test_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Draw the curves of a test and print the table."""
        if 'test' in self.phases and is_main_process():
            self._draw_curves(runner, 'test', 'curves_test', 0)
            metric = _metric(runner, 'test')
            scaled = scale_scores(metric.scores)
            runner.visualizer.add_scalars(
                {f'test/{key}': value for key, value in scaled.items()}
            )
            title = f'{metric.prefix}, threshold {metric.protocol.threshold:g}'
            runner.logger.info(f'{title}:\n{format_table(metric.scores)}')
            runner.logger.info(f'curves and pictures: {self._folder(runner)}')

    def _folder(self, runner: Runner) -> Path:
        return Path(self.out_dir or f'{runner.log_dir}/vis_data/hse')

    def _draw_curves(
        self, runner: Runner, phase: str, stem: str, step: int
    ) -> None:
        metric = _metric(runner, phase)
        name = Path(runner.cfg.filename or 'network').stem
        found = Evaluation(metric.scores, metric.curves)
        picture = figure_to_array(plot_comparison({name: [found]}))
        write_png(self._folder(runner) / f'{stem}.png', picture[..., ::-1])
        runner.visualizer.add_image(f'hse_curves_{phase}', picture, step)


def _metric(runner: Runner, phase: str) -> HSEMetric:
    metrics = getattr(runner, f'{phase}_evaluator').metrics
    for metric in metrics:
        if isinstance(metric, HSEMetric):
            return metric
    names = [type(metric).__name__ for metric in metrics]
    raise ValueError(
        f'HSEHook needs an HSEMetric, but {phase}_evaluator has {names}: '
        f"add dict(type='fdep_mm.HSEMetric') to {phase}_evaluator, or "
        f"leave {phase!r} out of HSEHook's phases"
    )
