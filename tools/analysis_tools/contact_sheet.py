"""Write one picture of many samples of a data set, targets outlined.

Samples are shown as the pipeline leaves them, so the training split shows
its augmentation.

Examples:
    python tools/analysis_tools/contact_sheet.py \\
        configs/alcnet/alcnet_1xb16-12e_synthetic-128x128.py --out sheet.png
"""

import argparse

import cv2
import mmcv
import numpy as np
from mmengine import Config
from mmengine.registry import DATASETS, init_default_scope
from torch.utils.data import Dataset


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('config', help='config with data loaders')
    parser.add_argument(
        '--split', default='train', choices=['train', 'val', 'test']
    )
    parser.add_argument('--num', type=int, default=16, help='samples')
    parser.add_argument('--columns', type=int, default=4)
    parser.add_argument(
        '--tile', type=int, default=256, help='size of a sample in px'
    )
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--out', default='work_dirs/contact_sheet.png')
    return parser.parse_args()


def draw_tile(sample: dict, tile: int) -> np.ndarray:
    """Outline the targets of a packed sample and fit it into a square.

    Args:
        sample (dict): ``inputs`` (3, H, W) in 0..255 and ``data_samples``.
        tile (int): Side of the square in px.

    Returns:
        np.ndarray: uint8 (tile, tile, 3), BGR.
    """
    image = sample['inputs'].numpy().transpose(1, 2, 0).astype(np.uint8)
    scale = tile / max(image.shape[:2])
    image = mmcv.imrescale(image, scale)
    if 'gt_sem_seg' in sample['data_samples']:
        mask = sample['data_samples'].gt_sem_seg.data[0].numpy()
        mask = mmcv.imresize(
            mask.astype(np.uint8), image.shape[1::-1], interpolation='nearest'
        )
        mask = cv2.dilate(mask, np.ones((7, 7), np.uint8))
        contours, _ = cv2.findContours(
            mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
        )
        image = cv2.drawContours(image.copy(), contours, -1, (0, 0, 255), 1)
    return mmcv.impad(image, shape=(tile, tile), pad_val=0)


def contact_sheet(
    dataset: Dataset, indices: np.ndarray, columns: int, tile: int
) -> np.ndarray:
    """Arrange samples in rows.

    Args:
        dataset (Dataset): Gives packed samples.
        indices (np.ndarray): Which samples.
        columns (int): Tiles per row.
        tile (int): Side of a tile in px.

    Returns:
        np.ndarray: uint8 (H, W, 3), BGR.
    """
    tiles = [draw_tile(dataset[int(i)], tile) for i in indices]
    blank = np.zeros_like(tiles[0])
    tiles += [blank] * (-len(tiles) % columns)
    rows = [
        np.hstack(tiles[start : start + columns])
        for start in range(0, len(tiles), columns)
    ]
    return np.vstack(rows)


def main() -> None:
    args = parse_args()
    cfg = Config.fromfile(args.config)
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    dataset = DATASETS.build(cfg[f'{args.split}_dataloader'].dataset)
    np.random.seed(args.seed)
    count = min(args.num, len(dataset))
    indices = np.random.choice(len(dataset), count, replace=False)
    sheet = contact_sheet(dataset, indices, args.columns, args.tile)
    mmcv.imwrite(sheet, args.out)
    print(f'{count} of {len(dataset)} samples: {args.out}')


if __name__ == '__main__':
    main()
