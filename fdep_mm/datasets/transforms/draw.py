"""Weighted draws of transforms."""

from collections.abc import Sequence

import numpy as np
from mmcv.transforms import RandomChoice
from mmcv.transforms.utils import cache_randomness

from fdep_mm.registry import TRANSFORMS

from .base import ShowsArguments


@TRANSFORMS.register_module()
class RandomDraw(ShowsArguments, RandomChoice):
    """With probability ``prob``, apply ``num`` transforms drawn by weight.

    Draws are with replacement, so one transform may come twice.

    Source: the augmentation of the PAL framework, three draws with
    probability 0.5.

    Args:
        transforms (list[dict | list[dict]]): Candidates; an empty list does
            nothing.
        weights (Sequence[float]): Relative weight of each candidate; they
            need not sum to 1.
        num (int): Number of draws.
        prob (float): Probability that anything is drawn.
    """

    def __init__(
        self,
        transforms: list,
        weights: Sequence[float],
        num: int = 1,
        prob: float = 1.0,
    ) -> None:
        super().__init__(transforms)
        if len(weights) != len(transforms):
            text = f'for {len(transforms)} transforms: give one each'
            raise ValueError(f'{len(weights)} weights {text}')
        if min(weights) < 0 or sum(weights) <= 0:
            text = 'none may be negative, one must be positive'
            raise ValueError(f'weights={weights!r}: {text}')
        self.weights = list(weights)
        self.num = num
        self.prob = prob

    @cache_randomness
    def random_pipeline_index(self) -> int:
        """Draw a candidate by its weight."""
        share = np.array(self.weights, float) / sum(self.weights)
        return np.random.choice(len(self.transforms), p=share)

    def transform(self, results: dict) -> dict | None:
        """Apply the drawn transforms one after the other."""
        number = self.num if np.random.rand() < self.prob else 0
        for _ in range(number):
            results = results and super().transform(results)
        return results
