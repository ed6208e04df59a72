"""Write a COCO annotation file as a tree of SIRST-V2's layout.

Makes OUT/annotations/bboxes/*.xml and OUT/splits/NAME.txt, NAME being that of
the COCO file; put the images into OUT/mixed. fdep_mm.SIRSTDetDataset reads it
with ann_file='splits/NAME.txt'. Every category becomes a target.

Example:
    python tools/dataset_converters/coco2sirst.py train.json data/mine
"""

import argparse
import sys
from pathlib import Path

from fdep_mm.datasets.converters import read_coco
from fdep_mm.datasets.sirst_xml import format_boxes
from fdep_mm.evaluation.functional import check_boxes


def main() -> None:
    """Parse arguments and convert one file."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('coco', type=Path, help='JSON file')
    parser.add_argument('out', type=Path, help='root folder to write')
    args = parser.parse_args()
    try:
        images = read_coco(args.coco)
        for image in images:
            name = f'{args.coco}: {image.file_name}'
            check_boxes(image.boxes, image.shape, name)
    except ValueError as error:
        sys.exit(str(error))
    folder = args.out / 'annotations/bboxes'
    files = {folder / f'{image.image_id}.xml': image for image in images}
    split = args.out / f'splits/{args.coco.stem}.txt'
    if len(files) < len(images):
        sys.exit(f'{args.coco}: file names differ in their suffix only')
    existing = [path for path in (split, *files) if path.exists()]
    if existing:
        sys.exit(f'{existing[0]} exists: remove it, or give another OUT')
    for path, image in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        text = format_boxes(image.image_id, image.shape, image.boxes)
        path.write_text(text, encoding='utf-8')
    split.parent.mkdir(parents=True, exist_ok=True)
    split.write_text(
        '\n'.join(image.image_id for image in images), encoding='utf-8'
    )
    boxes = sum(len(image.boxes) for image in images)
    print(
        f'{split}: {len(images)} images, {boxes} boxes; the images belong '
        f'into {args.out / "mixed"}'
    )


if __name__ == '__main__':
    main()
