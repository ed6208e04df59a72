"""Run the frozen VFM of a config once over its full training images.

The maps go to a folder of safetensors files, one per image. A run that was
interrupted resumes; images that were added or have changed are computed.
--write-config writes the config again, to train from the cache.

Examples:
    python tools/cache_priors.py CONFIG --out priors/nuaa \
        --write-config cached.py
    python tools/train.py cached.py

    # maps of twice the size
    python tools/cache_priors.py CONFIG --out priors/nuaa_2x \
        --cfg-options model.vfm.input_scale=2
"""

import argparse
import sys
from pathlib import Path

import torch
from mmengine.config import Config
from torch.utils.data import Dataset

from fdep_mm.core.base_datasets import base_datasets, base_settings
from fdep_mm.core.command import Parser, command
from fdep_mm.core.config_check import open_config
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
    add('--dtype', choices=DTYPES, default='float16')
    add('--pca', type=int, metavar='K', help='keep K channels of each layer')
    add('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    add('--write-config', metavar='FILE', help='config that uses the cache')
    add_cfg_options(parser)
    return parser.parse_args()


def check(cfg: Config) -> None:
    """Refuse a config whose training cannot use stored priors."""
    if 'decode_head' not in cfg.model or 'vfm' not in cfg.model:
        raise PriorCacheError(
            f'{cfg.filename}: not the config of a COISDSegmentor (type is '
            f'{cfg.model.get("type")!r}). Name one of configs/fdep/ whose '
            'host is a segmentation network'
        )
    if 'MultiImageMixDataset' in str(cfg.train_dataloader):
        raise PriorCacheError(
            f'{cfg.filename}: MultiImageMixDataset makes one image of '
            'several, which stored priors cannot follow. Leave it out, or '
            'train without a cache'
        )


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


def use_cache(cfg: Config, dataset: Dataset, folder: Path) -> None:
    """Make the config train from the cache, wrapped data sets, too."""
    settings = base_settings(cfg.train_dataloader.dataset)
    for one, base in zip(settings, base_datasets(dataset), strict=True):
        place = len(loading_transforms(base))
        load = dict(type='fdep_mm.LoadPrior', cache=str(folder))
        pack = dict(one.pipeline[-1], type='fdep_mm.PackPriorInputs')
        moves = one.pipeline[place:-1]
        one.pipeline = [*one.pipeline[:place], load, *moves, pack]
    cfg.model.vfm.cache = str(folder)


# TypeError: an argument of a class that is not ours
@command(RuntimeError, TypeError)
def main() -> None:
    """Write the cache, and say how to use it."""
    args = parse_args()
    cfg = open_config(args.config, args.cfg_options)
    check(cfg)
    model = build_model(cfg).to(args.device)
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    folder = Path(args.out or f'priors/{Path(args.config).stem}').absolute()
    writer = CacheWriter(model, folder, args.dtype, args.pca)
    index = writer.write(dataset)
    print(summary(index, writer.made, folder))
    if args.write_config:
        use_cache(cfg, dataset, folder)
        cfg.dump(args.write_config)
        print(f'Train from it with {args.write_config}')
    else:
        print('Train from it with a config of --write-config FILE')


if __name__ == '__main__':
    sys.exit(main())
