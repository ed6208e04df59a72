"""Filling a cache: one pass of the VFM over the full images.

Files are written as a whole or not at all, and record what they were made of.
An interrupted run resumes: entries that still fit are kept.
"""

from collections.abc import Iterator
from dataclasses import asdict
from itertools import takewhile
from pathlib import Path

import numpy as np
import torch
from mmcv.transforms import Compose
from safetensors.torch import save
from torch import Tensor, nn
from torch.utils.data import Dataset

from fdep_mm.core.base_datasets import base_datasets
from fdep_mm.core.choices import check_choice
from fdep_mm.core.command import track
from fdep_mm.core.lock import take_lock
from fdep_mm.core.whole import write_whole

from .index import (
    INDEX_FILE,
    CacheIndex,
    PriorCacheError,
    changed_part,
    entry_name,
    image_note,
    layer_key,
    map_file,
    metadata,
    read_entry,
)
from .pca import LayerPCA, fit_layers, read_basis, save_basis

DTYPES = ('float16', 'float32')
PCA_FILE = 'pca.safetensors'
LOCK_FILE = 'write.lock'
LABELS = ('Mask', 'Annotations')  # in names of transforms that load labels
WAY_OUT = 'run the same command again: it resumes'


def loading_transforms(dataset: Dataset) -> list:
    """Those at the start of a pipeline that load image and labels."""

    def loads(transform: object) -> bool:
        name = type(transform).__name__
        return name.startswith('Load') and name != 'LoadPrior'

    return list(takewhile(loads, dataset.pipeline.transforms))


class CacheWriter:
    """Writes the priors of one network's VFM.

    Args:
        model (nn.Module): A ``COISDSegmentor`` whose preprocessor does not
            pad in tests.
        folder (str | Path): The cache, new or of the same VFM and options.
        dtype (str): 'float16' or 'float32'.
        pca (int, optional): Keep so many channels of each layer, principal
            components of the first run's images.

    Raises:
        ValueError: `dtype` is unknown, or `pca` larger than a layer.
    """

    def __init__(
        self,
        model: nn.Module,
        folder: str | Path,
        dtype: str = 'float16',
        pca: int | None = None,
    ) -> None:
        check_choice('dtype', dtype, DTYPES)
        smallest = min(model.vfm.channels)
        if pca is not None and not 1 <= pca <= smallest:
            raise ValueError(
                f'pca={pca}: give 1..{smallest}, a layer has {smallest} '
                'channels'
            )
        self.model = model.eval()
        self.folder = Path(folder)
        self.dtype = dtype
        self.pca = pca
        self.made = 0

    def write(self, dataset: Dataset) -> CacheIndex:
        """Write what is missing.

        Raises:
            LockedError: Another process writes into the folder.
            PriorCacheError: The folder holds priors of another VFM or other
                options, two images have one name, or a map has values that
                `dtype` cannot hold.
        """
        bases = base_datasets(dataset)
        for base in bases:
            base.pipeline = Compose(loading_transforms(base))
        self.folder.mkdir(parents=True, exist_ok=True)
        with take_lock(self.folder / LOCK_FILE):
            index = self._open_index(bases[0])
            basis = self.pca and self._open_basis(bases, index)
            # before the maps: without it, their key could not be compared
            write_whole(self.folder / INDEX_FILE, index.to_json(), WAY_OUT)
            self._write_maps(bases, index, basis)
        return index

    def _open_index(self, dataset: Dataset) -> CacheIndex:
        vfm = self.model.vfm
        new = CacheIndex(
            vfm=vfm.identity(),
            layers=vfm.out_indices,
            channels=vfm.channels,
            strides=vfm.strides,
            dtype=self.dtype,
            loading=_image_loading(dataset),
        )
        if self.pca is not None:
            new.channels = (self.pca,) * len(new.layers)
            new.pca = dict(channels=self.pca, explained=None)
        if not (self.folder / INDEX_FILE).is_file():
            return new
        old = CacheIndex.read(self.folder)
        if _options(old) != _options(new):
            raise PriorCacheError(
                f'{self.folder} holds other priors: {_options(old)}; now '
                f'wanted: {_options(new)}. Give another --out, or remove the '
                'folder'
            )
        return old

    def _open_basis(
        self, bases: list[Dataset], index: CacheIndex
    ) -> list[LayerPCA]:
        """Read the components, or fit them and note the explained shares."""
        path = self.folder / PCA_FILE
        if index.pca['explained'] is not None and path.is_file():
            return read_basis(path, index.layers)
        images = _load(bases, 'principal components')
        basis, index.pca['explained'] = fit_layers(
            (self._compute(results['img']) for results in images), self.pca
        )
        write_whole(path, save_basis(basis, index.layers), WAY_OUT)
        return basis

    def _write_maps(
        self,
        bases: list[Dataset],
        index: CacheIndex,
        basis: list[LayerPCA] | None,
    ) -> None:
        notes: dict[Path, dict] = {}
        key = index.key
        self.made = 0
        for results in _load(bases, 'maps'):
            img_path, img = results['img_path'], results['img']
            path = map_file(self.folder, img_path)
            note = image_note(img_path, img, key)
            if notes.setdefault(path, note) != note:
                raise PriorCacheError(
                    f'two images are called {entry_name(img_path)!r}, the '
                    f'last three parts of their paths; one is {img_path}. '
                    'Rename a folder'
                )
            if _is_done(path, note):
                continue
            maps = self._compute(img)
            if basis is not None:
                maps = [p.project(m) for p, m in zip(basis, maps, strict=True)]
            tensors = {
                layer_key(layer): self._convert(one, layer, path)
                for layer, one in zip(index.layers, maps, strict=True)
            }
            write_whole(path, save(tensors, metadata(note)), WAY_OUT)
            self.made += 1

    @torch.no_grad()
    def _compute(self, img: np.ndarray) -> list[Tensor]:
        """The VFM's maps of one image, (H, W, C) in 0..255."""
        model = self.model
        image = torch.from_numpy(img.transpose(2, 0, 1).copy())
        batch = model.data_preprocessor(
            dict(inputs=[image], data_samples=None), False
        )
        maps = model.vfm(model._pixels(batch['inputs']))
        return [one[0].cpu() for one in maps]

    def _convert(self, one: Tensor, layer: int, path: Path) -> Tensor:
        one = one.to(getattr(torch, self.dtype)).contiguous()
        if not one.isfinite().all():
            raise PriorCacheError(
                f'{path}: layer {layer} has values that {self.dtype} cannot '
                'hold. Use --dtype float32, or norm=True in the vfm'
            )
        return one


def _is_done(path: Path, note: dict) -> bool:
    try:
        return changed_part(read_entry(path)[0], note) is None
    except (FileNotFoundError, ValueError):
        return False


def _image_loading(dataset: Dataset) -> list[str]:
    """The transforms on which the pixels depend."""
    return [
        repr(transform)
        for transform in loading_transforms(dataset)
        if not any(n in type(transform).__name__ for n in LABELS)
    ]


def _options(index: CacheIndex) -> dict:
    """What must be the same for all files of a cache, without results."""
    return dict(asdict(index), pca=index.pca and index.pca['channels'])


def _load(bases: list[Dataset], what: str) -> Iterator[dict]:
    """Loaded images of all data sets, with a bar."""
    places = [(base, i) for base in bases for i in range(len(base))]
    for base, i in track(places, what):
        yield base.pipeline(base.get_data_info(i))
