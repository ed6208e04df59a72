"""Turn masks, boxes and points of one format into another.

Formats of --from and --to:
    masks        PNG files; a target is an 8-connected component
    coco         a JSON file; category 'target', with segmentations if known
                 (--from: every category, and every class of voc and yolo, is
                 taken for a target)
    voc          {id}.xml of Pascal VOC
    sirst-v2     {id}.xml as SIRST-V2 has them
    yolo         {id}.txt, class 0
    points       a CSV file with the columns image, x, y: centroids
    point-masks  (--to only, of masks) {id}.png with one pixel per target

SRC of masks is a data set folder in the layout of BasicIRSTD, DNA-Net,
SIRST-V2 or IRSTD-1K (see tools/check_dataset.py), or any other with its
folders named; only masks take --masks, --mask-suffix and --split. SRC of coco
and points is a file, of the others a folder; all but masks and coco need
--images. Points can only be drawn as masks. coco and points have one file per
split of a data set of masks, else one named after SRC.

Examples:
    python tools/convert.py data/NUAA-SIRST --from masks --to coco --out coco
    python tools/convert.py "my data" --from masks --to yolo \\
        --images frames --masks labels --mask-suffix _gt --out yolo
    python tools/convert.py annotations/bboxes --from sirst-v2 --to masks \\
        --images mixed --fill ellipse --out masks
    python tools/convert.py train.json --from coco --to sirst-v2 \\
        --out data/mine/annotations/bboxes

Exit code: 0 all converted, 1 some images left out (named on stderr), 2 wrong
usage or nothing to convert.
"""

import argparse
import sys
from pathlib import Path

from check_dataset import add_layout_arguments

from fdep_mm.core.command import Parser, command, number
from fdep_mm.core.text import print, some
from fdep_mm.datasets.check.findings import Findings
from fdep_mm.datasets.check.pairing import list_samples
from fdep_mm.datasets.converters import convert, list_labels, read_masks
from fdep_mm.datasets.converters.regions import FILLS
from fdep_mm.datasets.converters.writing import IMAGE_FORMATS, SPLIT_FORMATS
from fdep_mm.datasets.layouts import open_layout

SOURCES = ('masks', 'coco', 'voc', 'sirst-v2', 'yolo', 'points')
# Formats of SRC that take an option, and of those, what --to masks takes.
TAKEN_BY = dict(
    masks=('masks',),
    mask_suffix=('masks',),
    split=('masks',),
    images=('masks', 'voc', 'sirst-v2', 'yolo', 'points'),
    background=('voc', 'sirst-v2', 'yolo', 'points'),
    fill=('coco', 'voc', 'sirst-v2', 'yolo'),
    polygon=('coco',),
    radius=('points',),
)
DRAWING = ('fill', 'polygon', 'radius')
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
    parser = Parser(__doc__)
    add = parser.add_argument
    add('source', metavar='SRC', type=Path, help='file or folder')
    add('--from', dest='kind', choices=SOURCES, required=True)
    add(
        '--to',
        choices=(*IMAGE_FORMATS, *SPLIT_FORMATS),
        required=True,
    )
    add('--out', type=Path, required=True, help='new or empty folder')
    add_layout_arguments(add)
    add(
        '--fill',
        choices=FILLS,
        help='how boxes are filled (default: segmentation if any, else box)',
    )
    add(
        '--polygon',
        choices=('edge', 'contour'),
        help='points of polygons are on edges of pixels (default), or are the '
        'outer pixels of a target, as OpenCV finds contours',
    )
    add('--radius', type=number(int, 0), default=0, help='of points in px')
    add(
        '--background',
        action='store_true',
        help='images without label file have no target (default: they are '
        'left out, with a warning)',
    )
    return parser.parse_args()


def check(args: argparse.Namespace) -> None:
    """Refuse what cannot be converted."""
    if args.kind == args.to:
        raise ValueError(f'--to {args.to}: is the format of SRC')
    if 'masks' not in (args.kind, args.to) and 'points' in (
        args.kind,
        args.to.replace('point-masks', 'points'),
    ):
        raise ValueError(
            f'--from {args.kind} --to {args.to}: points come from masks and '
            'become masks; convert to masks first'
        )
    for name, kinds in TAKEN_BY.items():
        if not getattr(args, name):
            continue
        option = name.replace('_', '-')
        if args.kind not in kinds:
            text = ' or '.join(kinds)
            raise ValueError(f'--{option}: needs --from {text}')
        if name in DRAWING and args.to != 'masks':
            raise ValueError(f'--{option}: needs --to masks')
    if args.out.is_file() or args.out.is_dir() and any(args.out.iterdir()):
        raise ValueError(f'{args.out}: is not empty; name a new folder')


def from_masks(args: argparse.Namespace) -> tuple[int, list[str]]:
    """Convert a data set of masks; number of images, and what was lost."""
    layout = open_layout(
        args.source,
        args.images,
        args.masks,
        mask_suffix=args.mask_suffix,
        splits=args.split,
    )
    if layout.masks is None:
        raise ValueError(f'{args.source}: has no masks; name their --masks')
    findings = Findings()
    samples = list_samples(layout, findings)
    samples = [sample for sample in samples if sample.mask is not None]
    if not samples:
        raise ValueError(
            f'{args.source}: no image has a mask to convert; name the ending '
            'of mask names by --mask-suffix'
        )
    points = args.to in ('points', 'point-masks')
    sources = read_masks(samples, layout.images, points)
    splits = {
        split: {s.image_id for s in samples if split in s.splits}
        for split in layout.splits
    }
    number, unread = convert(sources, args.to, args.out, splits)
    lost = [
        f'{code}: {item.where}: {item.detail}'
        for code in LOST
        for item in findings.items(code)
    ]
    return number, lost + unread


def from_labels(args: argparse.Namespace) -> tuple[int, list[str]]:
    """Convert label files; number of images, and what was lost."""
    images = args.images and Path(args.images)
    sources, bare = list_labels(args.source, args.kind, images)
    if args.background:
        sources += bare
    elif bare:
        names = [image_id for image_id, _ in bare]
        print(
            f'warning: {len(bare)} images have no label file and are left '
            f'out ({some(names)}); with --background they have no target',
            file=sys.stderr,
        )
    drawing = dict(
        fill=args.fill,
        radius=args.radius,
        contour=args.polygon == 'contour',
    )
    splits = {args.source.stem: None}
    return convert(sources, args.to, args.out, splits, **drawing)


@command()
def main() -> int:
    """Convert; returns the exit code."""
    args = parse_args()
    check(args)
    read = from_masks if args.kind == 'masks' else from_labels
    number, lost = read(args)
    for problem in lost:
        print(f'left out: {problem}', file=sys.stderr)
    print(f'{number} images: {args.out}')
    return 1 if lost else 0


if __name__ == '__main__':
    sys.exit(main())
