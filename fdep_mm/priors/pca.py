"""Fewer channels: principal components of a layer's map."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors.torch import load_file, save
from scipy.linalg import eigh
from torch import Tensor

from .index import layer_key


class LayerPCA(NamedTuple):
    """Mean and components of one layer.

    Attributes:
        mean (Tensor): (C,) float32.
        components (Tensor): (K, C) float32, orthonormal rows.
    """

    mean: Tensor
    components: Tensor

    def project(self, one: Tensor) -> Tensor:
        """Components of a map (C, h, w): (K, h, w) float32."""
        centered = one.float() - self.mean[:, None, None]
        return torch.einsum('kc,chw->khw', self.components, centered)


def fit_layers(
    images: Iterable[Sequence[Tensor]], channels: int
) -> tuple[list[LayerPCA], list[float]]:
    """Principal components of each layer, over the cells of all images.

    Args:
        images (Iterable[Sequence[Tensor]]): For each image the maps of all
            layers, (C, h, w).
    """
    # sums in place of all cells: memory does not grow with the images
    sums = {}
    for maps in images:
        for layer, one in enumerate(maps):
            cells = one.flatten(1).double().numpy()
            number, total, products = sums.get(layer, (0, 0, 0))
            number, total = number + cells.shape[1], total + cells.sum(1)
            sums[layer] = number, total, products + cells @ cells.T
    fits = [_fit(*of_layer, channels) for of_layer in sums.values()]
    return [pca for pca, _ in fits], [share for _, share in fits]


def _fit(
    number: int, total: np.ndarray, products: np.ndarray, channels: int
) -> tuple[LayerPCA, float]:
    mean = total / number
    covariance = products / number - np.outer(mean, mean)
    width = len(mean)
    values, vectors = eigh(
        covariance, subset_by_index=(width - channels, width - 1)
    )
    variance = np.trace(covariance)
    pca = LayerPCA(
        torch.from_numpy(mean).float(),
        torch.from_numpy(vectors.T[::-1].copy()).float(),
    )
    return pca, float(values.sum() / variance) if variance > 0 else 1.0


def save_basis(basis: Sequence[LayerPCA], layers: Sequence[int]) -> bytes:
    """Content of a file that :func:`read_basis` reads."""
    return save(
        {
            f'{layer_key(layer)}.{name}': tensor
            for layer, pca in zip(layers, basis, strict=True)
            for name, tensor in pca._asdict().items()
        }
    )


def read_basis(path: Path, layers: Sequence[int]) -> list[LayerPCA]:
    """Components of all layers, from a safetensors file."""
    stored = load_file(path)
    return [
        LayerPCA(
            *(stored[f'{layer_key(layer)}.{k}'] for k in LayerPCA._fields)
        )
        for layer in layers
    ]
