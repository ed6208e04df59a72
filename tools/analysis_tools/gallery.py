"""Write a gallery of predictions: one HTML file that needs no server.

Each image is shown with its hits, misses and false alarms and with close-ups;
a click on a heading sorts by IoU, misses, false alarms and so on. Files of
the three folders are paired by their names without suffix; masks without a
prediction are named as left out, unless --split does not have them.
Predictions are 8- or 16-bit gray files (value / 255 or value / 65535 is the
probability).

Examples:
    python tools/analysis_tools/gallery.py data/images predictions/ \\
        data/masks --split data/img_idx/test.txt --out gallery.html

    # from a config and weights; synthetic data, which has no files, too
    python tools/test.py CONFIG CHECKPOINT --out-probs preds
    python tools/analysis_tools/gallery.py preds/images preds/probs \\
        preds/masks --out gallery.html

    # masks of {0, 1}, and those of SIRST-V2
    python tools/analysis_tools/gallery.py mixed/ out/ annotations/masks/ \\
        --binary --mask-suffix _pixels0

Exit codes: 0 all images are in the page, 1 some files could not be used (they
are listed, also in the page), 2 wrong input, no page.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from eval_pngs import add_reading_arguments

from fdep_mm.core.command import Parser, command
from fdep_mm.core.text import print
from fdep_mm.visualization import (
    Scene,
    check_scale,
    list_images,
    load_scene,
    pair_images,
    read_names,
    write_gallery,
)


def add_folder_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what names images, predictions and masks."""
    add = parser.add_argument
    add('images', type=Path, help='folder of images, or file')
    add('preds', type=Path, help='predictions, likewise')
    add('masks', type=Path, help='masks, likewise')
    add_reading_arguments(parser)
    add('--pred-suffix', default='', help='what prediction names add')
    add('--threshold', type=float, default=0.5, help='of hits')


def read_scenes(
    args: argparse.Namespace, failures: list[str]
) -> Iterator[Scene]:
    """Read image by image; print and list in `failures` what fails."""
    kinds = dict(
        image=list_images(args.images),
        prediction=list_images(args.preds, args.pred_suffix),
        mask=list_images(args.masks, args.mask_suffix),
    )
    names = None if args.split is None else read_names(args.split)
    if all(path.is_file() for path in (args.images, args.preds, args.masks)):
        # single files belong together whatever their names
        kinds = {
            kind: {args.images.stem: path}
            for kind, files in kinds.items()
            for path in files.values()
        }
    complete, complaints = pair_images(kinds, names)
    for line in complaints:
        _complain(line, failures)
    usable = 0
    check_scale(
        (kinds['prediction'][name] for name in complete),
        args.binary,
        args.max_value,
    )
    for name in complete:
        try:
            files = (kinds[k][name] for k in ('image', 'prediction', 'mask'))
            scene = load_scene(name, *files, args.binary, args.max_value)
        except ValueError as error:
            _complain(str(error), failures)
            continue
        usable += 1
        yield scene
    if not usable:
        raise ValueError('none of the files can be used')


def _complain(line: str, failures: list[str]) -> None:
    failures.append(line)
    print(f'left out: {line}', file=sys.stderr)


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(__doc__)
    add = parser.add_argument
    add_folder_arguments(parser)
    add('--out', type=Path, default=Path('gallery.html'), help='the page')
    add('--title', help='default: the folder of predictions')
    add(
        '--beside',
        action='store_true',
        help='write pictures to a folder beside the page instead of into it, '
        'with a large one of each: for thousands of images',
    )
    add('--side', type=int, default=256, help='least side of pictures, px')
    add('--radius', type=float, default=3, help='of hits, px')
    add('--match', choices=['greedy', 'hungarian'], default='greedy')
    return parser.parse_args()


@command()
def main() -> int:
    """Write the page; returns the exit code."""
    args = parse_args()
    failures: list[str] = []
    args.out.parent.mkdir(parents=True, exist_ok=True)
    count = write_gallery(
        args.out,
        read_scenes(args, failures),
        title=args.title or f'Predictions in {args.preds}',
        embed=not args.beside,
        side=args.side,
        failures=failures,
        threshold=args.threshold,
        radius=args.radius,
        match=args.match,
    )
    print(f'{count} images: {args.out}')
    if failures:
        print('some are left out, see above', file=sys.stderr)
    return int(bool(failures))


if __name__ == '__main__':
    sys.exit(main())
