"""Write the targets of masks as boxes or points.

A target is an 8-connected component of the mask. FORMAT is one of
    coco         {split}.json, with exact segmentations; category 'target'
    voc          {id}.xml of Pascal VOC, category 'target'
    sirst-v2     {id}.xml as SIRST-V2 has them
    yolo         {id}.txt, class 0
    points       {split}.csv with the columns image, x, y: centroids
    point-masks  {id}.png with one pixel of 255 per target

DATA is a folder in the layout of BasicIRSTD, DNA-Net, SIRST-V2 or IRSTD-1K
(see tools/check_dataset.py), or any other with its folders named.

Examples:
    python tools/dataset_converters/masks2boxes.py data/NUAA-SIRST \\
        --format coco --out data/NUAA-SIRST/coco
    python tools/dataset_converters/masks2boxes.py data/sirst-v2 \\
        --format points --weighted --out centroids
    python tools/dataset_converters/masks2boxes.py "my data" --format yolo \\
        --images frames --masks labels --mask-suffix _gt --out yolo

Exit code: 0 all converted, 1 some files left out (named on stderr), 2 wrong
usage or nothing to convert.
"""

import argparse
import sys
from pathlib import Path

from fdep_mm.datasets.check.findings import Findings
from fdep_mm.datasets.check.pairing import pair
from fdep_mm.datasets.converters import export_labels
from fdep_mm.datasets.converters.export import IMAGE_FORMATS, SPLIT_FORMATS
from fdep_mm.datasets.layouts import open_layout

# What is missing in a result; other findings leave nothing out.
LOST = (
    'split-unreadable',
    'split-empty',
    'split-escape',
    'image-missing',
    'mask-missing',
)


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('data', type=Path, help='data set folder')
    parser.add_argument(
        '--format', choices=(*SPLIT_FORMATS, *IMAGE_FORMATS), required=True
    )
    parser.add_argument(
        '--out', type=Path, required=True, help='new or empty folder'
    )
    parser.add_argument('--images', help='folder of images')
    parser.add_argument('--masks', help='folder of masks')
    parser.add_argument('--mask-suffix', help='what mask names add to ids')
    parser.add_argument(
        '--split',
        action='append',
        default=[],
        metavar='NAME=FILE',
        help='a split file, one id per line; may be repeated',
    )
    parser.add_argument(
        '--weighted',
        action='store_true',
        help='weigh pixels by grey value in centroids, as SIRST-V1 does',
    )
    return parser.parse_args()


def convert(args: argparse.Namespace) -> list[str]:
    """Convert a data set; returns what was left out and why.

    Raises:
        ValueError: A folder is missing or empty, or the output is not empty.
        OSError: The output cannot be written.
    """
    layout = open_layout(
        args.data,
        args.images,
        args.masks,
        mask_suffix=args.mask_suffix,
        splits=args.split,
    )
    if layout.masks is None:
        raise ValueError(f'{args.data}: has no masks; name their --masks')
    if args.out.is_file() or args.out.is_dir() and any(args.out.iterdir()):
        raise ValueError(f'{args.out}: is not empty; name a new folder')
    findings = Findings()
    samples = [s for s in pair(layout, findings) if s.mask is not None]
    if not samples:
        raise ValueError(f'{args.data}: no image has a mask to convert')
    lost = [
        f'{code}: {item.where}: {item.detail}'
        for code in LOST
        for item in findings.items(code)
    ]
    unread = export_labels(
        samples,
        list(layout.splits),
        layout.images,
        args.format,
        args.out,
        args.weighted,
    )
    print(f'{len(samples) - len(unread)} masks read: {args.out}')
    return lost + unread


def main() -> int:
    """Convert; returns the exit code."""
    args = parse_args()
    try:
        problems = convert(args)
    except (ValueError, OSError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    for problem in problems:
        print(f'left out: {problem}', file=sys.stderr)
    return 1 if problems else 0


if __name__ == '__main__':
    sys.exit(main())
