"""Run the frozen VFM of a config once over its full training images.

The maps go to a folder of safetensors files, one per image. A run that was
interrupted resumes; images that were added or have changed are computed.
--write-config writes the config again, to train from the cache.

Examples:
    python tools/cache_priors.py CONFIG --out priors/nuaa \
        --write-config cached.py
    python tools/train.py cached.py

    # several scales: one cache for each, priors/nuaa_1x and priors/nuaa_2x
    python tools/cache_priors.py CONFIG --out priors/nuaa --scales 1 2
"""

import argparse
import os
import sys
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from fdep_mm.core.command import Parser, command
from fdep_mm.core.config_check import merge_options, read_config
from fdep_mm.core.options import add_cfg_options
from fdep_mm.core.text import print
from fdep_mm.priors import CacheIndex, PriorCacheError
from fdep_mm.priors.writer import DTYPES, CacheWriter, loading_transforms
from fdep_mm.registry import DATASETS, MODELS


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = Parser(__doc__)
    add = parser.add_argument
    add('config', help='FDEP config of a segmentation network')
    add('--out', help='folder of the cache (default: priors/CONFIG)')
    add(
        '--scales',
        nargs='+',
        type=float,
        metavar='S',
        help='factors on the size of the images, vfm.input_scale; a cache '
        'OUT_Sx for each (default: that of the config, in OUT)',
    )
    add('--dtype', choices=DTYPES, default='float16')
    add('--pca', type=int, metavar='K', help='keep K channels of each layer')
    add('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    add('--write-config', metavar='FILE', help='config that uses the cache')
    add_cfg_options(parser)
    return parser.parse_args()


def open_config(path: str, options: dict) -> Config:
    """Read the config and put the command line's settings into it."""
    cfg = read_config(path)
    if 'decode_head' not in cfg.model or 'vfm' not in cfg.model:
        raise PriorCacheError(
            f'{cfg.filename}: not the config of a COISDSegmentor (type is '
            f'{cfg.model.get("type")!r}). Name one of configs/fdep/ whose '
            'host is a segmentation network'
        )
    merge_options(cfg, options)
    if 'MultiImageMixDataset' in str(cfg.train_dataloader):
        raise PriorCacheError(
            f'{cfg.filename}: MultiImageMixDataset makes one image of '
            'several, which stored priors cannot follow. Leave it out, or '
            'train without a cache'
        )
    return cfg


def build_model(cfg: Config) -> torch.nn.Module:
    """The config's network; its VFM will see images without padding."""
    model_cfg = cfg.model.copy()
    model_cfg.vfm = dict(cfg.model.vfm, cache=None)
    model_cfg.data_preprocessor = dict(
        cfg.model.data_preprocessor, test_cfg=None
    )
    return MODELS.build(model_cfg)


def summary(index: CacheIndex, made: int, folder: Path) -> str:
    """What was written, as text."""
    files = [*(folder / 'maps').rglob('*.safetensors')]
    size = sum(path.stat().st_size for path in files)
    lines = [
        f'{folder}: {len(files)} images ({made} run through the VFM now), '
        f'{size / 1e6:.1f} MB as {index.dtype}, layers {list(index.layers)} '
        f'of {index.vfm["model_name"]}, channels {list(index.channels)}'
    ]
    if index.pca:
        shares = ', '.join(f'{100 * v:.1f} %' for v in index.pca['explained'])
        lines.append(f'variance explained by the components: {shares}')
    return '\n'.join(lines)


def caches_of(args: argparse.Namespace) -> dict[Path, dict]:
    """The folders to be written, each with the setting of its scale."""
    folder = args.out or f'priors/{Path(args.config).stem}'
    folder = Path(os.path.abspath(folder))  # '.' has no name to add to
    if not args.scales:
        return {folder: {}}
    key = 'model.vfm.input_scale'
    if key in args.cfg_options:
        raise ValueError(f'--scales: {key} is among the --cfg-options, too')
    if args.write_config and len(args.scales) > 1:
        raise ValueError('--write-config: give one of the --scales')
    wrong = [s for s in args.scales if not 0 < s < float('inf')]
    if wrong:
        raise ValueError(f'--scales: {wrong[0]:g} is not a positive number')
    return {
        folder.with_name(f'{folder.name}_{scale:.12g}x'): {key: scale}
        for scale in args.scales
    }


def write_cache(args: argparse.Namespace, folder: Path, options: dict) -> None:
    """Write one cache, with these settings, and say how to use it."""
    cfg = open_config(args.config, options)
    init_default_scope(cfg.default_scope)
    model = build_model(cfg).to(args.device)
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    writer = CacheWriter(model, folder, args.dtype, args.pca)
    index = writer.write(dataset)
    print(summary(index, writer.made, folder))
    if 'pipeline' not in cfg.train_dataloader.dataset:
        print(
            'The data sets are wrapped: put LoadPrior after the loading '
            'transforms of each, pack with PackPriorInputs, and set '
            f'model.vfm.cache={str(folder)!r}'
        )
    elif args.write_config:
        place = len(loading_transforms(dataset))
        pipeline = cfg.train_dataloader.dataset.pipeline
        load = dict(type='fdep_mm.LoadPrior', cache=str(folder))
        pipeline.insert(place, load)
        pipeline[-1].type = 'fdep_mm.PackPriorInputs'
        cfg.model.vfm.cache = str(folder)
        cfg.dump(args.write_config)
        print(f'Train from it with {args.write_config}')
    else:
        print('Train from it with a config of --write-config FILE')


# TypeError: an argument of a class that is not ours
@command(RuntimeError, TypeError)
def main() -> None:
    """Write a cache for each scale."""
    args = parse_args()
    for folder, scale in caches_of(args).items():
        write_cache(args, folder, args.cfg_options | scale)


if __name__ == '__main__':
    sys.exit(main())
