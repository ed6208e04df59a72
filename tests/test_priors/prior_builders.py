"""Small data sets, networks and caches for the tests of cached priors."""

import hashlib
from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.config import Config, ConfigDict
from mmengine.registry import init_default_scope

from fdep_mm.datasets.transforms import LoadInfraredImage
from fdep_mm.priors.writer import CacheWriter
from fdep_mm.registry import DATASETS, MODELS

VFM = dict(
    type='fdep_mm.FrozenVFM',
    model_name='test_vit',
    out_indices=(1, 3, 5),
    pretrained=False,
)
STRIDE = 16  # of test_vit
SIZES = [(64, 80), (48, 48), (70, 33)]  # of the images in the fixtures


def write_images(root: Path, sizes: list[tuple[int, int]]) -> None:
    """Noise images 0.png, 1.png, ... with a target in each."""
    rng = np.random.default_rng(0)
    for folder in ('images', 'masks'):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for i, size in enumerate(sizes):
        mask = np.zeros(size, np.uint8)
        mask[10:14, 20:24] = 255
        image = rng.integers(0, 200, size).astype(np.uint8)
        cv2.imwrite(str(root / f'images/{i}.png'), image)
        cv2.imwrite(str(root / f'masks/{i}.png'), mask)


def dataset_cfg(root: Path, transforms: tuple = (), cache=None) -> dict:
    """Of these images; with a cache, LoadPrior is in its place."""
    load = [] if cache is None else [load_prior(cache)]
    return dict(
        type='fdep_mm.SIRSTDataset',
        data_root=str(root),
        data_prefix=dict(img_path='images', seg_map_path='masks'),
        pipeline=[
            dict(type='fdep_mm.LoadInfraredImage'),
            dict(type='fdep_mm.LoadSIRSTMask'),
            *load,
            *transforms,
            dict(type='fdep_mm.PackPriorInputs'),
        ],
    )


def load_prior(cache) -> dict:
    return dict(type='fdep_mm.LoadPrior', cache=str(cache))


def model_cfg(**vfm) -> ConfigDict:
    return ConfigDict(
        type='fdep_mm.COISDSegmentor',
        backbone=dict(type='fdep_mm.ALCNetEncoder'),
        decode_head=dict(type='fdep_mm.ALCNetHead'),
        data_preprocessor=dict(
            type='SegDataPreProcessor',
            mean=[100.0] * 3,
            std=[40.0] * 3,
            size=(64, 64),
            bgr_to_rgb=True,
            seg_pad_val=0,
        ),
        vfm=VFM | vfm,
        samf=dict(type='fdep_mm.SAMFNeck'),
        train_cfg=dict(),
        test_cfg=dict(mode='whole'),
    )


def build_model(bgr_to_rgb: bool = True, **vfm) -> torch.nn.Module:
    init_default_scope('mmseg')
    torch.manual_seed(0)
    cfg = model_cfg(**vfm)
    cfg.data_preprocessor.bgr_to_rgb = bgr_to_rgb
    return MODELS.build(cfg)


def build_dataset(*args, **kwargs):
    init_default_scope('mmseg')
    return DATASETS.build(Config(dataset_cfg(*args, **kwargs)).to_dict())


def write_cache(root: Path, folder: Path, vfm: dict | None = None, **options):
    """Run the writer on the images; returns it."""
    writer = CacheWriter(build_model(**(vfm or {})), folder, **options)
    writer.write(build_dataset(root))
    return writer


def digest(folder: Path) -> dict[str, str]:
    """Content of all files."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in sorted(folder.rglob('*'))
        if path.is_file()
    }


def load(root: Path, number: int = 0) -> tuple[str, np.ndarray]:
    """Path and pixels of an image."""
    path = str(root / f'images/{number}.png')
    return path, LoadInfraredImage()(dict(img_path=path))['img']


def prior_file(cache: Path, number: int = 0) -> Path:
    """File of an image's prior."""
    (path,) = cache.rglob(f'{number}.png.safetensors')
    return path
