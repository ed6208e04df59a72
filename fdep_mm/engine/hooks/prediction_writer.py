"""Predictions of a test as files, for the tools that read folders."""

from collections.abc import Sequence
from pathlib import Path

import mmcv
import numpy as np
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.structures import SegDataSample

from fdep_mm.registry import HOOKS

from .batch_image import batch_image


@HOOKS.register_module()
class PredictionWriterHook(Hook):
    """Writes each test image with its probability map and mask.

    ``images/NAME.png``, ``probs/NAME.png`` (16-bit grey, probability x 65535,
    rounded) and ``masks/NAME.png`` ({0, 255}; only where there is ground
    truth) in `out_dir`: what ``eval_pngs.py``, ``gallery.py`` and
    ``plot_images.py`` read, for data without files too. NAME is the stem of
    the image's path; one that was written before gets a number.

    Args:
        out_dir (str): Folder to write to; it is made if need be.

    Example:
        >>> custom_hooks = [
        ...     dict(type='fdep_mm.PredictionWriterHook', out_dir='preds')]
    """

    def __init__(self, out_dir: str) -> None:
        self.out_dir = Path(out_dir)
        self._names: set[str] = set()

    def before_test_epoch(self, runner: Runner) -> None:
        """Start anew, and fail before the first image where nothing can be
        written.

        Args:
            runner (Runner): The running one.
        """
        self._names.clear()
        for kind in ('images', 'probs', 'masks'):
            (self.out_dir / kind).mkdir(parents=True, exist_ok=True)

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: Sequence[SegDataSample] | None = None,
    ) -> None:
        """Write the files of a batch.

        Args:
            runner (Runner): The running one.
            batch_idx (int): Not used.
            data_batch (dict, optional): What the data loader gave.
            outputs (Sequence[SegDataSample], optional): Predictions with
                ``seg_logits``, the probability (1, H, W).
        """
        for i, sample in enumerate(outputs or ()):
            prob = sample.seg_logits.data[0].float().cpu().numpy()
            name = self._name(sample)
            image = batch_image(sample, data_batch or {}, i, prob.shape)
            if image.dtype not in (np.uint8, np.uint16):
                image = image.round().clip(0, 255).astype(np.uint8)
            self._write('images', name, image)
            self._write('probs', name, np.rint(prob * 65535).astype(np.uint16))
            if 'gt_sem_seg' in sample:
                mask = sample.gt_sem_seg.data[0].cpu().numpy() > 0
                self._write('masks', name, mask.astype(np.uint8) * 255)

    def _name(self, sample: SegDataSample) -> str:
        stem = Path(sample.get('img_path', None) or 'image').stem
        name, number = stem, 1
        while name in self._names:
            number += 1
            name = f'{stem}_{number}'
        self._names.add(name)
        return name

    def _write(self, kind: str, name: str, array: np.ndarray) -> None:
        path = self.out_dir / kind / f'{name}.png'
        if not mmcv.imwrite(array, str(path)):
            raise OSError(f'{path}: cannot be written')
