"""An image, and a cached prior that is made of it.

Its cells are mean gray levels of the image's. After any transform they must
be those of the new image.
"""

import numpy as np
import torch
from mmengine.registry import TRANSFORMS
from safetensors.torch import save_file

from fdep_mm.datasets.transforms import LoadPrior, PackPriorInputs
from fdep_mm.priors import CacheIndex
from fdep_mm.priors.index import image_note, map_file, metadata

STRIDES = (4, 8)
LAYERS = (2, 5)
NAME = 'some/marker/image'


def cell_means(img: np.ndarray, stride: int) -> torch.Tensor:
    """(1, h, w) means of the first channel's cells."""
    gray = torch.from_numpy(np.ascontiguousarray(img[..., 0]))
    return torch.nn.functional.avg_pool2d(gray[None], stride)


def marker(size=(64, 96)) -> np.ndarray:
    """Smooth, and without any symmetry: a bright blob and a slope."""
    rows, columns = np.mgrid[: size[0], : size[1]].astype(np.float32)
    blob = np.exp(-((rows - 20) ** 2 + (columns - 60) ** 2) / (2 * 22**2))
    gray = 60 + 100 * blob + 0.5 * rows - 0.2 * columns
    return np.repeat(gray[..., None], 3, -1).astype(np.float32)


def results_of(img):
    return dict(
        img_path=NAME,
        img=img.copy(),
        gt_seg_map=(img[..., 0] > 140).astype(np.uint8),
        seg_fields=['gt_seg_map'],
        img_shape=img.shape[:2],
        ori_shape=img.shape[:2],
    )


def write_marker_cache(folder, img):
    """A cache whose maps are the image's cell means."""
    path = map_file(folder, NAME)
    path.parent.mkdir(parents=True)
    maps = {
        f'layer_{layer}': cell_means(img, stride)
        for layer, stride in zip(LAYERS, STRIDES, strict=True)
    }
    index = CacheIndex(
        vfm=dict(model_name='cell means', input_scale=1.0),
        layers=LAYERS,
        channels=(1, 1),
        strides=STRIDES,
        dtype='float32',
        loading=[],
    )
    save_file(maps, path, metadata(image_note(NAME, img, index.key)))
    (folder / 'index.json').write_text(index.to_json())
    return str(folder)


def run(cache, *configs, img=None):
    """Load, transform, pack: image (H, W, 3) and maps (1, h, w)."""
    results = LoadPrior(cache)(results_of(marker() if img is None else img))
    for config in configs:
        results = TRANSFORMS.build(config)(results)
    image = results['img']
    packed = PackPriorInputs()(results)
    prior = packed['data_samples'].priors
    sizes = [c * h * w for c, h, w in prior.shapes]
    pieces = prior.maps.split(sizes)
    maps = [
        piece.view(shape)
        for piece, shape in zip(pieces, prior.shapes, strict=True)
    ]
    return image, maps, packed
