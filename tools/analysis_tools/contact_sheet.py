"""Write one picture of many samples of a data set, targets outlined.

Samples are shown as the pipeline leaves them, so the training split shows
its augmentation.

Examples:
    python tools/analysis_tools/contact_sheet.py \\
        configs/alcnet/alcnet_1xb16-12e_synthetic-128x128.py --out sheet.png
"""

import argparse
import sys

import mmcv
import numpy as np

from fdep_mm.core.command import Parser, command
from fdep_mm.core.config_check import open_config
from fdep_mm.datasets.check.sheet import arrange, outline
from fdep_mm.registry import DATASETS


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(__doc__)
    add = parser.add_argument
    add('config', help='config with data loaders')
    add('--split', default='train', choices=['train', 'val', 'test'])
    add('--num', type=int, default=16, help='samples')
    add('--columns', type=int, default=4)
    add('--tile', type=int, default=256, help='size of a sample in px')
    add('--seed', type=int, default=0)
    add('--out', default='work_dirs/contact_sheet.png')
    return parser.parse_args()


def draw_tile(sample: dict, tile: int) -> np.ndarray:
    """Targets of a packed sample, outlined, in a square: uint8, BGR."""
    image = sample['inputs'].numpy().transpose(1, 2, 0).astype(np.uint8)
    image = mmcv.imrescale(image, tile / max(image.shape[:2]))
    if 'gt_sem_seg' in sample['data_samples']:
        mask = sample['data_samples'].gt_sem_seg.data[0].numpy()
        outline(image, (mask > 0).astype(np.uint8), (0, 0, 255))
    return mmcv.impad(image, shape=(tile, tile), pad_val=0)


@command()
def main() -> None:
    """Draw the sheet."""
    args = parse_args()
    cfg = open_config(args.config)
    dataset = DATASETS.build(cfg[f'{args.split}_dataloader'].dataset)
    np.random.seed(args.seed)
    count = min(args.num, len(dataset))
    indices = np.random.choice(len(dataset), count, replace=False)
    tiles = [draw_tile(dataset[int(i)], args.tile) for i in indices]
    sheet = arrange(tiles, args.columns)
    mmcv.imwrite(sheet, args.out)
    print(f'{count} of {len(dataset)} samples: {args.out}')


if __name__ == '__main__':
    sys.exit(main())
