"""Write one split of a SIRST data set as a COCO file of boxes.

The boxes are those that fdep_mm.SIRSTDetDataset gives a detector: of XML
files, or of masks (masks2boxes.py adds their segmentations). Images without
targets are in it, too; file names are relative to the image folder.

Examples:
    python tools/dataset_converters/sirst2coco.py data/sirst-v2 \\
        splits/test_full.txt test_full.json
    python tools/dataset_converters/sirst2coco.py data/NUAA-SIRST \\
        img_idx/test_NUAA-SIRST.txt test.json --images images --masks masks

Exit code: 0 all converted; 2 wrong input, nothing is written then, or the
file cannot be written.
"""

import argparse
import json
import os.path as osp
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from fdep_mm.datasets import SIRSTDetDataset
from fdep_mm.datasets.converters import ImageLabels, to_coco
from fdep_mm.datasets.sirst_xml import CONVENTIONS


def list_boxes(dataset: SIRSTDetDataset) -> Iterator[ImageLabels]:
    """The labels of all images, those without targets too."""
    for i in range(len(dataset)):
        info = dataset.get_data_info(i)
        name = osp.relpath(info['img_path'], dataset.data_prefix['img_path'])
        boxes = [instance['bbox'] for instance in info['instances']]
        yield ImageLabels(
            info['img_id'],
            name.replace(osp.sep, '/'),
            (info['height'], info['width']),
            np.array(boxes).reshape(-1, 4),
        )


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('data_root')
    parser.add_argument('split', help='split file, relative to data_root')
    parser.add_argument('out', type=Path, help='JSON file to write')
    parser.add_argument('--images', default='mixed', help='folder of images')
    parser.add_argument(
        '--boxes',
        default='annotations/bboxes',
        help='folder of XML files; not used with --masks',
    )
    parser.add_argument(
        '--xml-convention',
        choices=CONVENTIONS,
        default='sirst-v2',
        help='how XML files count pixels (default sirst-v2)',
    )
    parser.add_argument(
        '--masks', help='folder of masks, to take the boxes from them'
    )
    parser.add_argument(
        '--mask-suffix',
        nargs='+',
        default=['.png', '.bmp', '_pixels0.png'],
        help='candidates; the first that exists is taken',
    )
    return parser.parse_args()


def convert(args: argparse.Namespace) -> str:
    """Convert one split.

    Args:
        args (argparse.Namespace): Of :func:`parse_args`.

    Returns:
        str: What was written.

    Raises:
        ValueError: An annotation is wrong, or a file is missing.
        OSError: The output cannot be written.
    """
    source = (
        dict(ann_path=args.boxes)
        if args.masks is None
        else dict(seg_map_path=args.masks)
    )
    try:
        dataset = SIRSTDetDataset(
            args.split,
            box_source='xml' if args.masks is None else 'mask',
            data_root=args.data_root,
            data_prefix=dict(img_path=args.images, **source),
            seg_map_suffix=args.mask_suffix,
            xml_convention=args.xml_convention,
        )
    except FileNotFoundError as error:
        raise ValueError(
            f'{error}. Here, --images, --boxes and --masks name the folders'
        ) from error
    coco = to_coco(list_boxes(dataset))
    try:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(coco), encoding='utf-8')
    except OSError as error:  # of a full disk names no file
        raise OSError(f'{args.out}: cannot be written: {error}') from error
    return (
        f'{args.out}: {len(coco["images"])} images, '
        f'{len(coco["annotations"])} boxes'
    )


def main() -> int:
    """Convert; returns the exit code."""
    args = parse_args()
    try:
        print(convert(args))
    except (ValueError, OSError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    return 0


if __name__ == '__main__':
    sys.exit(main())
