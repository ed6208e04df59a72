"""Filling a cache: one pass of the VFM over the full images.

Files are whole or not there, and say what they were made of. A run that was
interrupted goes on: what fits is kept, all else made anew.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import torch
from mmcv.transforms import Compose
from mmengine.logging import print_log
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn
from torch.utils.data import Dataset

from fdep_mm.core.base_datasets import base_datasets
from fdep_mm.core.files import AtomicBackend
from fdep_mm.core.lock import FileLock

from .cache import layer_key
from .errors import PriorCacheError
from .index import (
    FILE,
    CacheIndex,
    Entry,
    file_sha256,
    grey_levels,
    image_hash,
    image_name,
)
from .pca import LayerPCA, check_number, read_basis, save_basis

DTYPES = ('float16', 'float32')
PCA_FILE = 'pca.safetensors'
LOCK_FILE = 'write.lock'
LABELS = ('Mask', 'Annotations')  # in names of transforms that load labels
EVERY = 50  # images between two lines of progress
FILES = AtomicBackend('run the same command again: it goes on where it was')


def loading_transforms(dataset: Dataset) -> list:
    """Those at the start of a pipeline that load image and labels.

    Args:
        dataset (Dataset): With MMEngine's ``pipeline``.

    Returns:
        list: Its transforms up to the first that is no ``Load...``, or is
        ``LoadPrior``.
    """
    found = []
    for transform in dataset.pipeline.transforms:
        name = type(transform).__name__
        if not name.startswith('Load') or name == 'LoadPrior':
            break
        found.append(transform)
    return found


class CacheWriter:
    """Writes the priors of one network's VFM.

    Args:
        model (nn.Module): A ``COISDSegmentor`` whose preprocessor does not
            pad in tests; its VFM sees what it would see in training.
        folder (str | Path): The cache, new or the result of a run with the
            same VFM and options.
        dtype (str): 'float16' or 'float32'. Defaults to 'float16'.
        pca (int, optional): Keep so many channels of each layer. The
            components are those of the first run's images. Defaults to None,
            all channels.

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
        if dtype not in DTYPES:
            raise ValueError(f'dtype={dtype!r}: give one of {DTYPES}')
        if pca is not None:
            check_number(pca, min(model.vfm.channels))
        self.model = model.eval()
        self.folder = Path(folder)
        self.dtype = dtype
        self.pca = pca
        self.basis: list[LayerPCA] | None = None
        self.index: CacheIndex | None = None
        self.made = 0

    def write(self, dataset: Dataset) -> CacheIndex:
        """Write what is missing.

        Args:
            dataset (Dataset): Of a training; its pipelines are cut to the
                loading transforms.

        Returns:
            CacheIndex: Of the whole cache.

        Raises:
            LockedError: Another process writes into the folder.
            PriorCacheError: The folder has priors of another VFM or of other
                options, two images have one name, or a map has values that
                `dtype` cannot hold.
        """
        bases = base_datasets(dataset)
        for base in bases:
            base.pipeline = Compose(loading_transforms(base))
        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / LOCK_FILE):
            self.index = self._open_index(bases)
            self._put_index()
            if self.pca is not None and self.basis is None:
                self._fit(bases)
            self._write_all(bases, 'maps')
            self._put_index()
            shutil.rmtree(self.folder / 'raw', ignore_errors=True)
        return self.index

    def _open_index(self, bases: list[Dataset]) -> CacheIndex:
        vfm = self.model.vfm
        new = CacheIndex(
            vfm=vfm.identity(),
            layers=vfm.out_indices,
            channels=vfm.channels,
            strides=vfm.strides,
            dtype=self.dtype,
            loading=_image_loading(bases[0]),
        )
        if self.pca is not None:
            new.channels = (self.pca,) * len(new.layers)
            new.pca = dict(channels=self.pca, explained=None)
        if not (self.folder / FILE).is_file():
            return new
        old = CacheIndex.read(self.folder)
        if _head(old) != _head(new):
            raise PriorCacheError(
                f'{self.folder} holds other priors: {_head(old)}; now wanted: '
                f'{_head(new)}. Give another --out, or remove the folder'
            )
        path = self.folder / PCA_FILE
        if self.pca is not None and path.is_file():
            self.basis = read_basis(path, old.layers, old.pca['explained'])
        return old

    def _write_all(self, bases: list[Dataset], kind: str) -> None:
        names: dict[str, str] = {}
        total = sum(len(base) for base in bases)
        for number, results in enumerate(_load(bases), 1):
            name = image_name(results['img_path'])
            image = image_hash(results['img_path'], results['img'])
            if names.setdefault(name, image) != image:
                raise PriorCacheError(
                    f'two images are called {name!r}: the last three parts '
                    f'of their paths, {results["img_path"]} is one of them. '
                    'Rename a folder'
                )
            path = self.folder / kind / f'{name}.safetensors'
            done = self._is_done(path, kind, image)
            if not done or self._is_damaged(name, path, image):
                self._put_maps(path, kind, image, results)
            if kind == 'maps':
                self._enter(name, path, image, results)
            if number % EVERY == 0 or number == total:
                print_log(f'{kind}: {number} of {total} images')

    def _is_done(self, path: Path, kind: str, image: str) -> bool:
        """If the file says that it is of this image and these options."""
        try:
            with safe_open(path, 'pt') as file:
                return file.metadata() == self._made_of(kind, image)
        except (SafetensorError, OSError):
            return False

    def _is_damaged(self, name: str, path: Path, image: str) -> bool:
        """If the file is not the one that was entered for this image."""
        entry = self.index.images.get(name)
        own = path.relative_to(self.folder).as_posix()
        if entry is None or (entry.file, entry.image) != (own, image):
            return False
        return file_sha256(path) != entry.sha256

    def _made_of(self, kind: str, image: str) -> dict[str, str]:
        head = _head(self.index)
        if kind == 'raw':
            head.pop('pca'), head.pop('channels'), head.pop('dtype')
        elif self.basis is not None:
            head['basis'] = [float(b.components.sum()) for b in self.basis]
        text = json.dumps(dict(head, image=image), sort_keys=True)
        # one key: several would come in any order, and files would differ
        return dict(made_of=hashlib.sha256(text.encode()).hexdigest())

    def _put_maps(
        self, path: Path, kind: str, image: str, results: dict
    ) -> None:
        raw = self.folder / 'raw' / path.relative_to(self.folder / kind)
        if kind == 'maps' and self._is_done(raw, 'raw', image):
            stored = load_file(raw)
            maps = [stored[layer_key(i)] for i in self.index.layers]
        else:
            maps = self._compute(results['img'])
            self.made += 1
        if kind == 'maps':
            maps = [self._convert(i, m, path) for i, m in enumerate(maps)]
        tensors = {
            layer_key(layer): one.contiguous()
            for layer, one in zip(self.index.layers, maps, strict=True)
        }
        FILES.put(save(tensors, self._made_of(kind, image)), path)

    @torch.no_grad()
    def _compute(self, img) -> list[Tensor]:
        """The VFM's maps of one image, (H, W, C) in 0..255."""
        model = self.model
        image = torch.from_numpy(img.transpose(2, 0, 1).copy())
        batch = model.data_preprocessor(
            dict(inputs=[image], data_samples=None), False
        )
        maps = model.vfm(model._pixels(batch['inputs']))
        return [one[0].cpu() for one in maps]

    def _convert(self, number: int, one: Tensor, path: Path) -> Tensor:
        if self.basis is not None:
            one = self.basis[number].project(one)
        one = one.to(getattr(torch, self.dtype))
        if not one.isfinite().all():
            raise PriorCacheError(
                f'{path}: layer {self.index.layers[number]} has values that '
                f'{self.dtype} cannot hold. Use --dtype float32, or norm=True '
                'in the vfm'
            )
        return one

    def _enter(self, name: str, path: Path, image: str, results: dict) -> None:
        content = path.read_bytes()
        self.index.images[name] = Entry(
            file=path.relative_to(self.folder).as_posix(),
            bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            image=image,
            size=results['img'].shape[:2],
            levels=grey_levels(results['img']),
        )

    def _fit(self, bases: list[Dataset]) -> None:
        self._write_all(bases, 'raw')
        files = sorted((self.folder / 'raw').rglob('*.safetensors'))
        self.basis = [
            LayerPCA.fit(
                (load_file(path)[layer_key(layer)] for path in files),
                self.pca,
            )
            for layer in self.index.layers
        ]
        self.index.pca['explained'] = [b.explained for b in self.basis]
        self._put_index()
        content = save_basis(self.basis, self.index.layers)
        FILES.put(content, self.folder / PCA_FILE)

    def _put_index(self) -> None:
        FILES.put_text(self.index.to_json(), self.folder / FILE)


def _image_loading(dataset: Dataset) -> list[str]:
    """The transforms on which the pixels depend."""
    return [
        repr(transform)
        for transform in loading_transforms(dataset)
        if not any(n in type(transform).__name__ for n in LABELS)
    ]


def _head(index: CacheIndex) -> dict:
    """What must be the same for all files of a cache."""
    pca = index.pca and index.pca['channels']
    return dict(
        vfm=index.vfm,
        layers=list(index.layers),
        channels=list(index.channels),
        dtype=index.dtype,
        loading=index.loading,
        pca=pca,
    )


def _load(bases: list[Dataset]) -> Iterator[dict]:
    for base in bases:
        for number in range(len(base)):
            yield base.pipeline(base.get_data_info(number))
