"""Predictions of a test as files, for the tools that read folders."""

from pathlib import Path

import numpy as np
from mmengine.dist import get_rank, get_world_size
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.structures import SegDataSample

from fdep_mm.core.base_datasets import image_folders
from fdep_mm.core.image import write_png
from fdep_mm.evaluation.functional import EvalProtocol
from fdep_mm.registry import HOOKS

from .batch_image import (
    batch_image,
    probability,
    scored_mask,
    scored_protocol,
)
from .result_writer import image_names


@HOOKS.register_module()
class PredictionWriterHook(Hook):
    """Writes each test image with its probability map and masks.

    ``images/NAME.png``, ``probs/NAME.png`` (16-bit gray, probability x 65535,
    rounded) and ``masks/NAME.png`` ({0, 255}; only where there is ground
    truth) in `out_dir`: what ``eval_pngs.py``, ``gallery.py`` and
    ``plot_images.py`` read, for data without files too. NAME is the image's
    path below the folder that holds the images of all data sets, without
    suffix, or its index; a second one of that name gets a number. Several
    processes, where no data set names a folder, keep the whole path.

    Args:
        out_dir (str, optional): Folder of these three. Default: not written.
        mask_dir (str, optional): Folder of predicted masks ``NAME.png``,
            {0, 255}, at the threshold of the metrics. Default: not written.

    Raises:
        ValueError: Masks are wanted and the metrics have several thresholds.

    Example:
        >>> custom_hooks = [
        ...     dict(type='fdep_mm.PredictionWriterHook', out_dir='preds')]
    """

    def __init__(
        self, out_dir: str | None = None, mask_dir: str | None = None
    ) -> None:
        self.folders: dict[str, Path] = {}
        if out_dir is not None:
            for kind in ('images', 'probs', 'masks'):
                self.folders[kind] = Path(out_dir, kind)
        if mask_dir is not None:
            self.folders['predicted'] = Path(mask_dir)
        self._names: set[str] = set()
        self._roots: list[Path] = []
        self._length = 0
        self._rules: EvalProtocol | None = None

    def before_test_epoch(self, runner: Runner) -> None:
        """Fail before the first image if nothing can be written."""
        self._names.clear()
        dataset = runner.test_dataloader.dataset
        self._length = len(dataset)
        self._roots = image_folders(dataset)
        if get_world_size() > 1:  # none knows the names that others give
            self._roots = self._roots or [Path()]
        if 'predicted' in self.folders:
            self._rules = scored_protocol(runner.test_evaluator)
        for folder in self.folders.values():
            folder.mkdir(parents=True, exist_ok=True)

    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch=None, outputs=None
    ) -> None:
        """Write the files of a batch."""
        for i, sample in enumerate(outputs or ()):
            name = self._name(sample)
            if 'predicted' in self.folders:
                mask = scored_mask(sample, self._rules)
                self._write('predicted', name, mask.astype(np.uint8) * 255)
            if 'images' in self.folders:
                self._write_scene(name, sample, data_batch or {}, i)

    def _write_scene(
        self, name: str, sample: SegDataSample, data_batch: dict, i: int
    ) -> None:
        prob = probability(sample)
        image = batch_image(sample, data_batch, i, prob.shape)
        if image.dtype not in (np.uint8, np.uint16):
            image = image.round().clip(0, 255).astype(np.uint8)
        self._write('images', name, image)
        self._write('probs', name, np.rint(prob * 65535).astype(np.uint16))
        if 'gt_sem_seg' in sample:
            mask = sample.gt_sem_seg.data[0].cpu().numpy() > 0
            self._write('masks', name, mask.astype(np.uint8) * 255)

    def _name(self, sample: SegDataSample) -> str:
        path = sample.get('img_path', None)
        # as MMEngine's sampler deals images out, and repeats the first ones
        index = len(self._names) * get_world_size() + get_rank()
        stem = f'{index % self._length:05d}'
        if path:
            (stem,) = image_names([path], self._roots)
        name, number = stem, 1
        while name in self._names:
            number += 1
            name = f'{stem}_{number}'
        self._names.add(name)
        return name

    def _write(self, kind: str, name: str, array: np.ndarray) -> None:
        write_png(self.folders[kind] / f'{name}.png', array)
