"""Fewer channels: principal components of a layer's map."""

from collections.abc import Iterable

import numpy as np
import torch
from scipy.linalg import eigh
from torch import Tensor


class LayerPCA:
    """Mean, components and explained variance of one layer.

    Args:
        mean (Tensor): (C,) float32.
        components (Tensor): (K, C) float32, orthonormal rows.
        explained (float): Share of the variance in them.
    """

    def __init__(
        self, mean: Tensor, components: Tensor, explained: float
    ) -> None:
        self.mean = mean
        self.components = components
        self.explained = explained

    @classmethod
    def fit(cls, maps: Iterable[Tensor], channels: int) -> 'LayerPCA':
        """Fit to the cells of all maps.

        Args:
            maps (Iterable[Tensor]): Each (C, h, w).
            channels (int): Components K to keep.

        Returns:
            LayerPCA: The fit.

        Raises:
            ValueError: K is not within 1..C.
        """
        number, total, products = 0, 0.0, 0.0
        for one in maps:
            cells = one.flatten(1).double().numpy()
            number += cells.shape[1]
            total = total + cells.sum(1)
            products = products + cells @ cells.T
        width = len(total)
        if not 1 <= channels <= width:
            raise ValueError(
                f'pca={channels}: give 1..{width}, this layer has {width} '
                'channels'
            )
        mean = total / number
        covariance = products / number - np.outer(mean, mean)
        values, vectors = eigh(
            covariance, subset_by_index=(width - channels, width - 1)
        )
        variance = np.trace(covariance)
        return cls(
            torch.from_numpy(mean).float(),
            torch.from_numpy(vectors.T[::-1].copy()).float(),
            float(values.sum() / variance) if variance > 0 else 1.0,
        )

    def project(self, one: Tensor) -> Tensor:
        """Project a map.

        Args:
            one (Tensor): (C, h, w).

        Returns:
            Tensor: (K, h, w) float32.
        """
        centred = one.float() - self.mean[:, None, None]
        return torch.einsum('kc,chw->khw', self.components, centred)
