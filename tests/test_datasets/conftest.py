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


@pytest.fixture
def mixed_folder(tmp_path, make_sirst) -> Path:
    """With an image without target, and one of odd targets in a subfolder."""
    root = make_sirst(tmp_path / 'my data')
    cv2.imwrite(str(root / 'masks/Misc_1.png'), np.zeros((40, 52), np.uint8))
    odd = np.zeros((40, 52), np.uint8)
    odd[0, 0] = odd[1, 1] = odd[38:40, 50:52] = odd[20, 3:30] = 255
    odd[5:9, 5:9] = 255
    odd[6, 6] = 0
    for kind in ('images', 'masks'):
        (root / kind / 'sub').mkdir()
        path = root / kind / 'Misc_2.png'
        path.rename(root / kind / 'sub/Misc_2.png')
    cv2.imwrite(str(root / 'masks/sub/Misc_2.png'), odd)
    split = root / 'img_idx/train_NUAA-SIRST.txt'
    split.write_text(split.read_text().replace('Misc_2', 'sub/Misc_2'))
    return root
