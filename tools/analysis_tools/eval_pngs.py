"""Score a folder of predicted probability maps against a folder of masks.

Predictions are 8- or 16-bit grey files, read as probabilities (value / 255 or
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
import warnings
from pathlib import Path

from fdep_mm.core.text import print
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
    read_names,
)


def pair_files(
    preds: dict[str, Path], masks: dict[str, Path], split: Path | None
) -> list[str]:
    """Identifiers to evaluate, each with a prediction and a mask.

    Args:
        preds (dict[str, Path]): By identifier.
        masks (dict[str, Path]): By identifier.
        split (Path, optional): Text file with one identifier per line; None
            takes all, and demands that the folders correspond.

    Returns:
        list[str]: Identifiers.

    Raises:
        ValueError: If a partner is missing, or the split file unusable.
    """
    if preds == masks:
        raise ValueError('predictions and masks are the same files')
    if split is None:
        wanted = sorted(preds.keys() | masks.keys())
    else:
        wanted = read_names(split)
    for kind, found in (('prediction', preds), ('mask', masks)):
        absent = [name for name in wanted if name not in found]
        if absent:
            shown = ', '.join(absent[:5]) + (', ...' if absent[5:] else '')
            raise ValueError(
                f'{len(absent)} of {len(wanted)} images have no {kind}: '
                f'{shown}; add the files, or name the images to evaluate '
                'with --split FILE (one per line)'
            )
    return wanted


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('pred_dir', type=Path, help='folder of predictions')
    parser.add_argument('mask_dir', type=Path, help='folder of masks')
    parser.add_argument(
        '--split', type=Path, help='file naming the images, one per line'
    )
    parser.add_argument(
        '--mask-suffix', default='', help='what mask names add (default none)'
    )
    parser.add_argument(
        '--binary',
        action='store_true',
        help='predictions are masks: any value above 0 is foreground',
    )
    parser.add_argument(
        '--max-value',
        type=float,
        help='value of a prediction that stands for probability 1 (default: '
        'the largest of the file type)',
    )
    parser.add_argument('--json', type=Path, help='write numbers and curves')
    parser.add_argument(
        '--per-image', type=Path, metavar='CSV', help='write image by image'
    )
    parser.add_argument(
        '--thresholds',
        type=int,
        default=19,
        help='number of thresholds (default 19: 0.05 ... 0.95)',
    )
    parser.add_argument(
        '--tolerances',
        type=float,
        nargs='+',
        default=[1, 2, 3, 4, 5],
        help='centroid distances in px (default 1 2 3 4 5)',
    )
    parser.add_argument(
        '--match', choices=['greedy', 'hungarian'], default='greedy'
    )
    parser.add_argument(
        '--empty',
        choices=['one', 'zero', 'skip'],
        default='one',
        help='IoU of an image without target and detection (default one)',
    )
    return parser.parse_args()


def main() -> int:
    """Evaluate; returns the exit code."""
    args = parse_args()
    try:
        protocol = EvalProtocol(
            args.thresholds,
            args.tolerances,
            match=args.match,
            empty=args.empty,
        )
        if args.max_value is not None and not args.max_value > 0:
            raise ValueError(f'--max-value {args.max_value:g}: must be > 0')
        preds = list_images(args.pred_dir)
        masks = list_images(args.mask_dir, args.mask_suffix)
        names = pair_files(preds, masks, args.split)
        found, unusable = count_files(
            preds, masks, names, protocol, args.binary, args.max_value
        )
        records = [*found.values()]
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter('always')
            scores, curves = reduce_records(records, protocol)
        settings = protocol.settings()
        if unusable:
            settings['left_out'] = unusable
        if args.json is not None:
            write_json(args.json, scores, curves, settings)
        if args.per_image is not None:
            table = per_image_csv([*found], records, protocol)
            args.per_image.write_text(table)
    except (ValueError, OSError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    for warning in caught:
        print(f'warning: {warning.message}', file=sys.stderr)
    for line in unusable:
        print(f'left out: {line}', file=sys.stderr)
    print(f'{len(records)} of {len(names)} images')
    print(format_table(scores))
    return 1 if unusable else 0


if __name__ == '__main__':
    sys.exit(main())
