"""Miniature data sets in the layout of the public ones."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.registry import init_default_scope


@pytest.fixture(autouse=True)
def mmseg_scope() -> None:
    """Names without prefix mean mmseg's, as in a config."""
    init_default_scope('mmseg')


@pytest.fixture
def make_sirst() -> Callable[..., Path]:
    """A function that writes a data set of noise with one target each."""

    def make(
        root: Path,
        name: str = 'NUAA-SIRST',
        num_train: int = 4,
        num_test: int = 2,
        size: tuple[int, int] = (40, 52),
    ) -> Path:
        rng = np.random.default_rng(0)
        folder = root / name
        for part in ('images', 'masks', 'img_idx'):
            (folder / part).mkdir(parents=True)
        ids = [f'Misc_{i}' for i in range(num_train + num_test)]
        for i, image_id in enumerate(ids):
            image = rng.integers(0, 200, size).astype(np.uint8)
            mask = np.zeros(size, np.uint8)
            mask[10 + i : 13 + i, 20:23] = 255
            cv2.imwrite(str(folder / f'images/{image_id}.png'), image)
            cv2.imwrite(str(folder / f'masks/{image_id}.png'), mask)
        for split, chosen in (
            ('train', ids[:num_train]),
            ('test', ids[num_train:]),
        ):
            path = folder / f'img_idx/{split}_{name}.txt'
            path.write_text('\n'.join(chosen))
        return folder

    return make
