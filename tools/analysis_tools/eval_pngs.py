"""Score a folder of predicted probability maps against a folder of masks.

Predictions are 8- or 16-bit gray files, read as probabilities (value / 255 or
value / 65535), or with --binary as masks. Masks are files of {0, 1} or {0,
255}. Files are paired by their names without suffix.

Examples:
    python tools/analysis_tools/eval_pngs.py predictions/ masks/
    python tools/analysis_tools/eval_pngs.py predictions/ data/masks/ \\
        --split data/img_idx/test.txt --json scores.json
    python tools/analysis_tools/eval_pngs.py predictions/ \\
        annotations/masks/ --mask-suffix _pixels0

    # masks of {0, 1}; those that tools/test.py --out writes need no option
    python tools/analysis_tools/eval_pngs.py out/ data/masks/ --binary

Sub-folders are searched; a split file then names seq1/0001.

Exit codes: 0 all images are scored; 1 some cannot be used and are named, the
scores are of the others; 2 wrong input, nothing is scored.
"""

import argparse
import sys
from pathlib import Path

from fdep_mm.core.command import Parser, command, number
from fdep_mm.core.text import print
from fdep_mm.core.whole import write_whole
from fdep_mm.evaluation.functional import (
    EvalProtocol,
    format_table,
    per_image_csv,
    reduce_records,
    write_json,
)
from fdep_mm.visualization import (
    count_files,
    list_images,
    pair_images,
    read_names,
)


def add_reading_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what says which predictions and masks are read, and how."""
    add = parser.add_argument
    add('--split', type=Path, help='file naming the images, one per line')
    add('--mask-suffix', default='', help='what mask names add')
    add(
        '--binary',
        action='store_true',
        help='predictions are masks: any value above 0 is foreground',
    )
    add(
        '--max-value',
        type=number(float, 1e-6),
        help='value of a prediction that stands for probability 1 (default: '
        'the largest of the file type)',
    )


def pair_files(
    preds: dict[str, Path], masks: dict[str, Path], split: Path | None
) -> list[str]:
    """Identifiers to evaluate: all, or those of a split file."""
    if preds == masks:
        raise ValueError('predictions and masks are the same files')
    wanted = read_names(split) if split else sorted({**preds, **masks})
    kinds = dict(prediction=preds, mask=masks)
    names, complaints = pair_images(kinds, wanted)
    if complaints:
        more = ', ...' if complaints[5:] else ''
        raise ValueError(
            f'{len(complaints)} of {len(wanted)} images lack a file '
            f'({", ".join(complaints[:5])}{more}); add the files, or '
            'name the images to evaluate with --split FILE (one per line)'
        )
    return names


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(__doc__)
    add = parser.add_argument
    add('pred_dir', type=Path, help='folder of predictions')
    add('mask_dir', type=Path, help='folder of masks')
    add_reading_arguments(parser)
    add('--json', type=Path, help='write numbers and curves')
    add('--per-image', type=Path, metavar='CSV', help='write image by image')
    add(
        '--thresholds',
        type=int,
        default=19,
        help='how many',
    )
    add(
        '--tolerances',
        type=float,
        nargs='+',
        default=[1, 2, 3, 4, 5],
        help='centroid distances in px (default 1 2 3 4 5)',
    )
    add('--match', choices=['greedy', 'hungarian'], default='greedy')
    add(
        '--empty',
        choices=['one', 'zero', 'skip'],
        default='one',
        help='IoU of an image without target and detection (default one)',
    )
    return parser.parse_args()


@command()
def main() -> int:
    """Evaluate; returns the exit code."""
    args = parse_args()
    protocol = EvalProtocol(
        args.thresholds, args.tolerances, match=args.match, empty=args.empty
    )
    preds = list_images(args.pred_dir)
    masks = list_images(args.mask_dir, args.mask_suffix)
    names = pair_files(preds, masks, args.split)
    found, unusable = count_files(
        preds, masks, names, protocol, args.binary, args.max_value
    )
    records = [*found.values()]
    evaluation = reduce_records(records, protocol)
    for line in unusable:
        print(f'left out: {line}', file=sys.stderr)
    print(f'{len(records)} of {len(names)} images')
    print(format_table(evaluation.scores))
    if args.json is not None:
        left_out = dict(left_out=unusable) if unusable else {}
        settings = {**protocol.settings(), **left_out}
        write_json(args.json, *evaluation, settings)
    if args.per_image is not None:
        table = per_image_csv([*found], records, protocol)
        write_whole(args.per_image, table, 'run again')
    return int(bool(unusable))


if __name__ == '__main__':
    sys.exit(main())
