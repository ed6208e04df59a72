"""Draw boxes or points as masks, PNG files of 0 and 255.

FORMAT is one of
    coco      a JSON file; segmentations (polygons and run lengths) are
              drawn, boxes of the targets that have none
    voc       a folder of Pascal VOC's XML files
    sirst-v2  a folder of SIRST-V2's XML files
    yolo      a folder of text files
    points    a CSV file with the columns image, x, y

Boxes are rounded to whole pixels, and have at least one. Labels outside their
image, and points in one pixel, are errors: the image is left out.

Examples:
    python tools/dataset_converters/boxes2masks.py coco/train.json \\
        --format coco --out masks
    python tools/dataset_converters/boxes2masks.py annotations/bboxes \\
        --format sirst-v2 --images mixed --fill ellipse --out masks
    python tools/dataset_converters/boxes2masks.py points/train.csv \\
        --format points --images images --radius 1 --out masks

    # images without a text file are YOLO's background images
    python tools/dataset_converters/boxes2masks.py labels --format yolo \\
        --images images --background --out masks

Exit code: 0 all drawn, 1 some images left out (named on stderr), 2 wrong
usage or nothing to draw. Label files may be of a part of the images, such as
one split: a warning names the others.
"""

import argparse
import sys
import warnings
from pathlib import Path

import cv2

from fdep_mm.datasets.converters import draw_labels, list_labels
from fdep_mm.datasets.converters.regions import FILLS

FORMATS = ('coco', 'voc', 'sirst-v2', 'yolo', 'points')


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('source', type=Path, help='label file or folder')
    parser.add_argument('--format', choices=FORMATS, required=True)
    parser.add_argument(
        '--out', type=Path, required=True, help='new or empty folder'
    )
    parser.add_argument(
        '--images',
        type=Path,
        help='folder of images, whose sizes are read (not needed for coco)',
    )
    parser.add_argument(
        '--fill',
        choices=FILLS,
        help='how boxes are filled (default: segmentation if any, else box)',
    )
    parser.add_argument(
        '--polygon',
        choices=('edge', 'contour'),
        default='edge',
        help='points of polygons are on edges of pixels (default), or are '
        'the outer pixels of a target, as OpenCV finds contours',
    )
    parser.add_argument(
        '--radius', type=int, default=0, help='of points in px (default 0)'
    )
    parser.add_argument(
        '--background',
        action='store_true',
        help='images without label file have no target: write empty masks '
        '(default: none, with a warning; not for coco and points)',
    )
    return parser.parse_args()


def convert(args: argparse.Namespace) -> tuple[int, int]:
    """Draw all masks; what cannot be drawn is named on stderr.

    Returns:
        tuple[int, int]: Masks written and left out.

    Raises:
        ValueError: The labels or the images are missing, or the output is
            not empty.
        OSError: The output cannot be written.
    """
    if args.radius < 0:
        raise ValueError(f'--radius {args.radius}: give 0 or more')
    if args.out.is_file() or args.out.is_dir() and any(args.out.iterdir()):
        raise ValueError(f'{args.out}: is not empty; name a new folder')
    written = left_out = 0
    bare = []
    for image_id, labels in list_labels(args.source, args.format, args.images):
        if labels is None:
            bare.append(image_id)
            if not args.background:
                continue
        path = args.out / f'{image_id}.png'
        try:
            if path.exists():
                raise ValueError('a second image of this name; rename it')
            mask = draw_labels(
                image_id,
                labels,
                args.format,
                args.images,
                args.fill,
                args.radius,
                args.polygon == 'contour',
            )
        except ValueError as error:
            print(f'left out: {image_id}: {error}', file=sys.stderr)
            left_out += 1
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if not cv2.imwrite(str(path), mask * 255):
            raise OSError(f'{path}: cannot be written')
        written += 1
    if bare and not args.background:
        shown = ', '.join(bare[:5]) + (', ...' if bare[5:] else '')
        print(
            f'warning: {len(bare)} images have no label file and get no mask '
            f'({shown}); with --background they get an empty one',
            file=sys.stderr,
        )
    return written, left_out


def main() -> int:
    """Draw; returns the exit code."""
    args = parse_args()
    warnings.formatwarning = lambda text, *_: f'warning: {text}\n'
    try:
        written, left_out = convert(args)
    except (ValueError, OSError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    print(f'{written} masks: {args.out}')
    return 1 if left_out else 0


if __name__ == '__main__':
    sys.exit(main())
