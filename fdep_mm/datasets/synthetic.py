"""Synthetic infrared images with exact target masks, made on the fly."""

from collections.abc import Sequence
from math import inf

import numpy as np
from mmengine.utils import to_2tuple
from mmseg.datasets import BaseSegDataset

from fdep_mm.core.choices import check_choice
from fdep_mm.registry import DATASETS

from .sirst import SIRSTDataset
from .synthetic_background import (
    BACKGROUNDS,
    add_edges,
    add_sensor_noise,
    draw_background,
)
from .synthetic_targets import add_targets

SPLITS = ('train', 'val', 'test')
SMALLEST_IMAGE = 32
# Of the arguments that are a lowest and a highest value.
RANGES = dict(
    num_targets=(0, inf),
    target_size=(2, SMALLEST_IMAGE / 2),
    scr=(0.1, inf),
    noise_std=(0.1, inf),
    num_hot_pixels=(0, inf),
    num_edges=(0, inf),
)


@DATASETS.register_module()
class SyntheticSIRSTDataset(BaseSegDataset):
    """Sky, cloud, sea, terrain and horizon scenes with 0 to 4 targets.

    Image i depends on ``seed``, ``split`` and i only. Values are whole gray
    levels; brighter scenes are scaled down to 255.

    The pipeline starts from ``img``, float32 (H, W, 3) in 0..255, and
    ``gt_seg_map``, uint8 (H, W) {0, 1}, so it has no loading transform.

    Args:
        num_images (int): Length.
        img_size (tuple[int, int] | int): Height and width, px, from 32.
        split (str): 'train', 'val' or 'test'; no two share an image.
        seed (int): Another seed gives another data set.
        num_targets (tuple[int, int]): Fewest and most targets per image.
        target_size (tuple[float, float]): Range of their long diameter,
            2..16 px.
        scr (tuple[float, float]): Range of their signal-to-clutter ratio,
            defined in :func:`~.synthetic_targets.add_targets`; lower is
            harder.
        backgrounds (Sequence[str]): Kinds to draw from, see
            :data:`~.synthetic_background.BACKGROUNDS`.
        noise_std (tuple[float, float]): Range of the sensor noise's standard
            deviation in gray levels.
        num_hot_pixels (tuple[int, int]): Fewest and most per image.
        num_edges (tuple[int, int]): Fewest and most line segments per image.
        **kwargs: Arguments of :class:`mmseg.datasets.BaseSegDataset`.

    Raises:
        ValueError: An argument is outside its range.
    """

    METAINFO = SIRSTDataset.METAINFO

    def __init__(
        self,
        num_images: int,
        img_size: tuple[int, int] | int = (128, 128),
        split: str = 'train',
        seed: int = 0,
        num_targets: tuple[int, int] = (0, 4),
        target_size: tuple[float, float] = (2, 9),
        scr: tuple[float, float] = (5, 30),
        backgrounds: Sequence[str] = BACKGROUNDS,
        noise_std: tuple[float, float] = (0.5, 2.5),
        num_hot_pixels: tuple[int, int] = (0, 4),
        num_edges: tuple[int, int] = (0, 1),
        **kwargs,
    ) -> None:
        if num_images < 1:
            raise ValueError(f'num_images={num_images}: give at least 1')
        img_size = to_2tuple(img_size)
        if len(img_size) != 2 or min(img_size) < SMALLEST_IMAGE:
            text = f'give height and width, at least {SMALLEST_IMAGE} px'
            raise ValueError(f'img_size={img_size}: {text}')
        check_choice('split', split, SPLITS)
        if not backgrounds or set(backgrounds) - set(BACKGROUNDS):
            text = f'give some of {BACKGROUNDS}'
            raise ValueError(f'backgrounds={backgrounds!r}: {text}')
        self.num_images = num_images
        self.img_size = tuple(img_size)
        self.split = split
        self.seed = seed
        self.num_targets = num_targets
        self.target_size = target_size
        self.scr = scr
        self.backgrounds = tuple(backgrounds)
        self.noise_std = noise_std
        self.num_hot_pixels = num_hot_pixels
        self.num_edges = num_edges
        for name, (smallest, largest) in RANGES.items():
            bounds = getattr(self, name)
            order = [smallest, *np.ravel(bounds), largest]
            if len(order) != 4 or sorted(order) != order:
                raise ValueError(
                    f'{name}={bounds!r}: give (lowest, highest) within '
                    f'{smallest}..{largest}'
                )
        super().__init__(**kwargs)

    def load_data_list(self) -> list[dict]:
        """List one dict per image; ``img_path`` is a name, not a file."""
        return [
            dict(
                img_path=f'synthetic/{self.split}_seed{self.seed}/{i:05d}',
                scene=i,
                label_map=self.label_map,
                reduce_zero_label=self.reduce_zero_label,
                seg_fields=['gt_seg_map'],
            )
            for i in range(self.num_images)
        ]

    def get_data_info(self, idx: int) -> dict:
        """Make image ``idx``, and ``ori_img``, uint8 (H, W), for metrics."""
        info = super().get_data_info(idx)
        image, info['gt_seg_map'] = self.make_scene(info['scene'])
        info['img'] = np.repeat(image[..., None], 3, axis=-1)
        info['img_shape'] = info['ori_shape'] = self.img_size
        info['ori_img'] = image.astype(np.uint8)
        return info

    def make_scene(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Image, float32 (H, W) in 0..255, and mask, uint8 {0, 1}."""
        # the scene's own: no other scene and no worker changes it
        rng = np.random.default_rng(
            [self.seed, SPLITS.index(self.split), index]
        )
        kind = str(rng.choice(self.backgrounds))
        image = draw_background(rng, kind, self.img_size)
        image = add_edges(rng, image, _integer(rng, self.num_edges))
        noise_std = rng.uniform(*self.noise_std)
        hot_pixels = _integer(rng, self.num_hot_pixels)
        image = add_sensor_noise(rng, image, noise_std, hot_pixels)
        targets = _integer(rng, self.num_targets), self.target_size, self.scr
        image, mask = add_targets(rng, image, *targets)
        image *= min(1, 255 / image.max())
        return np.clip(image, 0, 255).round().astype(np.float32), mask


def _integer(rng: np.random.Generator, bounds: tuple[int, int]) -> int:
    return int(rng.integers(bounds[0], bounds[1], endpoint=True))
