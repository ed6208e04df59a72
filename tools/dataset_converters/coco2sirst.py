"""Write a COCO annotation file as a tree of SIRST-V2's layout.

Makes OUT/annotations/bboxes/*.xml and OUT/splits/NAME.txt, NAME being that of
the COCO file; put the images into OUT/mixed. fdep_mm.SIRSTDetDataset reads it
with ann_file='splits/NAME.txt'. Every category becomes a target.

Example:
    python tools/dataset_converters/coco2sirst.py train.json data/mine

Exit code: 0 all converted; 2 wrong input or files that exist, nothing is
written then, or OUT cannot be written.
"""

import argparse
import sys
from pathlib import Path

from fdep_mm.datasets.converters import read_coco
from fdep_mm.datasets.sirst_xml import format_boxes
from fdep_mm.evaluation.functional import check_boxes


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('coco', type=Path, help='JSON file')
    parser.add_argument('out', type=Path, help='root folder to write')
    return parser.parse_args()


def convert(coco: Path, out: Path) -> str:
    """Convert one file.

    Args:
        coco (Path): JSON file.
        out (Path): Root folder to write.

    Returns:
        str: What was written.

    Raises:
        ValueError: The file is wrong, or it is converted already.
        OSError: The folder cannot be written.
    """
    images = read_coco(coco)
    for image in images:
        check_boxes(image.boxes, image.shape, f'{coco}: {image.file_name}')
    folder = out / 'annotations/bboxes'
    files = {folder / f'{image.image_id}.xml': image for image in images}
    split = out / f'splits/{coco.stem}.txt'
    if len(files) < len(images):
        raise ValueError(f'{coco}: file names differ in their suffix only')
    existing = [path for path in (split, *files) if path.exists()]
    if existing:
        raise ValueError(
            f'{existing[0]} exists: remove it, or give another OUT'
        )
    texts = {
        path: format_boxes(image.image_id, image.shape, image.boxes)
        for path, image in files.items()
    }
    texts[split] = '\n'.join(image.image_id for image in images)
    for path, text in texts.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding='utf-8')
        except OSError as error:  # of a full disk names no file
            raise OSError(f'{path}: cannot be written: {error}') from error
    boxes = sum(len(image.boxes) for image in images)
    return (
        f'{split}: {len(images)} images, {boxes} boxes; the images belong '
        f'into {out / "mixed"}'
    )


def main() -> int:
    """Convert; returns the exit code."""
    args = parse_args()
    try:
        print(convert(args.coco, args.out))
    except (ValueError, OSError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    return 0


if __name__ == '__main__':
    sys.exit(main())
