"""Fewer channels: principal components of a layer's map."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save
from scipy.linalg import eigh
from torch import Tensor

from .cache import layer_key


def check_number(components: int, channels: int) -> None:
    """Refuse more components than channels.

    Args:
        components (int): Asked for.
        channels (int): Of the layer.

    Raises:
        ValueError: They are not within 1..channels.
    """
    if not 1 <= components <= channels:
        raise ValueError(
            f'pca={components}: give 1..{channels}, a layer has {channels} '
            'channels'
        )


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
        check_number(channels, width)
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


def save_basis(basis: Sequence[LayerPCA], layers: Sequence[int]) -> bytes:
    """Content of a file that :func:`read_basis` reads."""
    tensors = {}
    for layer, one in zip(layers, basis, strict=True):
        tensors[f'{layer_key(layer)}.mean'] = one.mean
        tensors[f'{layer_key(layer)}.components'] = one.components
    return save(tensors)


def read_basis(
    path: Path, layers: Sequence[int], explained: Sequence[float]
) -> list[LayerPCA]:
    """Read the components of all layers.

    Args:
        path (Path): A safetensors file.
        layers (Sequence[int]): Which.
        explained (Sequence[float]): Share of each layer's variance in them.

    Returns:
        list[LayerPCA]: One per layer.
    """
    stored = load_file(path)
    return [
        LayerPCA(
            stored[f'{layer_key(layer)}.mean'],
            stored[f'{layer_key(layer)}.components'],
            share,
        )
        for layer, share in zip(layers, explained, strict=True)
    ]
