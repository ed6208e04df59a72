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

import cv2

from fdep_mm.datasets.check.findings import Findings
from fdep_mm.datasets.check.pairing import Sample, pair
from fdep_mm.datasets.converters import (
    ImageLabels,
    format_voc,
    format_yolo,
    mask_labels,
    points_to_mask,
    read_centroids,
    read_mask,
    to_coco,
)
from fdep_mm.datasets.layouts import open_layout

FORMATS = ('coco', 'voc', 'sirst-v2', 'yolo', 'points', 'point-masks')


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('data', type=Path, help='data set folder')
    parser.add_argument('--format', choices=FORMATS, required=True)
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


def prepare(args: argparse.Namespace) -> tuple[list[str], list[Sample], int]:
    """Find the samples; what is missing is named on stderr.

    Returns:
        tuple: Names of the splits, samples with a mask, number of errors.

    Raises:
        ValueError: A folder is missing or empty, or the output is not.
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
    if args.out.exists() and (
        not args.out.is_dir() or any(args.out.iterdir())
    ):
        raise ValueError(f'{args.out}: is not empty; name a new folder')
    findings = Findings()
    samples = pair(layout, findings)
    errors = 0
    for code in findings.codes('error'):
        if code in ('split-overlap', 'mask-orphan', 'name-case'):
            continue  # nothing to convert is lost by these
        for item in findings.items(code):
            print(f'{code}: {item.where}: {item.detail}', file=sys.stderr)
            errors += 1
    found = [sample for sample in samples if sample.mask is not None]
    if not found:
        raise ValueError(f'{args.data}: no image with a mask to convert')
    return list(layout.splits), found, errors


def write_one(
    args: argparse.Namespace, labels: ImageLabels, sample: Sample
) -> None:
    """Write the file of one image, for formats that have such files."""
    suffix = {'yolo': '.txt', 'point-masks': '.png'}.get(args.format, '.xml')
    path = args.out / f'{labels.image_id}{suffix}'
    path.parent.mkdir(parents=True, exist_ok=True)
    if args.format == 'yolo':
        path.write_text(format_yolo(labels.boxes, labels.shape))
    elif args.format == 'point-masks':
        mask = read_mask(sample.image, sample.mask)
        points = read_centroids(sample.image, mask, args.weighted)
        if not cv2.imwrite(
            str(path), points_to_mask(points, labels.shape) * 255
        ):
            raise OSError(f'{path}: cannot be written')
    else:
        text = format_voc(labels, args.format)
        path.write_text(text, encoding='utf-8')


def convert(
    args: argparse.Namespace, splits: list[str], samples: list[Sample]
) -> int:
    """Convert all; a file that cannot be read does not stop the rest.

    Returns:
        int: Number of images left out.
    """
    good: dict[str, tuple[Sample, object]] = {}
    errors = 0
    for sample in samples:
        try:
            mask = read_mask(sample.image, sample.mask)
            labels = mask_labels(mask, sample.image_id, sample.image.name)
            if args.format == 'points':
                point = read_centroids(sample.image, mask, args.weighted)
                good[sample.image_id] = sample, point
            elif args.format == 'coco':
                good[sample.image_id] = sample, to_coco([labels])
            else:
                write_one(args, labels, sample)
        except ValueError as error:
            print(f'left out: {error}', file=sys.stderr)
            errors += 1
    return errors


if __name__ == '__main__':
    sys.exit()
