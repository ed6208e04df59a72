"""Find out what is wrong with a data set.

Checks pairing, names, sizes, value ranges, bit depth, overlaps of splits,
identical and similar images across splits, size and contrast of the targets,
and box files against masks. Only reads, unless an output is named.

PATH is a folder in the layout of BasicIRSTD (images/, masks/,
img_idx/train_NAME.txt), DNA-Net (images/, masks/, 50_50/train.txt), SIRST-V2
(mixed/, annotations/, splits/) or IRSTD-1K, or a config of this project.

Examples:
    python tools/check_dataset.py data/NUDT-SIRST
    python tools/check_dataset.py configs/_base_/datasets/sirst3.py \\
        --json report.json
    python tools/check_dataset.py "my data" --images frames --masks labels \\
        --mask-suffix _gt --split train=a.txt --split test=b.txt \\
        --contact-sheet sheet.png
    python tools/check_dataset.py data/NUDT-SIRST --write-split new_splits \\
        --on-leak move

Exit code: 0 no errors found (warnings and notes may be), 1 errors found,
2 wrong usage or nothing that could be checked.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import mmcv

from fdep_mm.core.command import Parser, command, number, track
from fdep_mm.core.text import print
from fdep_mm.core.whole import write_json_whole
from fdep_mm.datasets.check import (
    Report,
    check_dataset,
    draw_sheet,
    format_report,
    layouts_of_config,
    make_splits,
    to_json,
    write_splits,
)
from fdep_mm.datasets.check.splitting import MODES
from fdep_mm.datasets.layouts import Layout, open_layout
from fdep_mm.datasets.sirst_xml import CONVENTIONS

PICTURES = ('.png', '.jpg', '.jpeg', '.bmp')


def add_layout_arguments(add: Callable) -> None:
    """Add what says where a data set has its files."""
    add('--images', help='folder of images')
    add('--masks', help='folder of masks')
    add('--mask-suffix', help='what mask names add to ids')
    add(
        '--split',
        action='append',
        default=[],
        metavar='NAME=FILE',
        help='a split file, one id per line; repeat, training split first',
    )


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(__doc__)
    parser.add_argument('path', type=Path, help='data set folder, or config')
    group = parser.add_argument_group('where the files are (folders only)')
    add = group.add_argument
    add_layout_arguments(add)
    add('--boxes', help='folder of XML box files')
    add(
        '--xml-convention',
        choices=CONVENTIONS,
        help='how box files count pixels (default: sirst-v2)',
    )
    add = parser.add_argument_group('limits').add_argument
    add(
        '--threshold',
        type=number(float, -1, 1),
        default=0.98,
        help='correlation above which images are look-alikes',
    )
    add(
        '--box-tolerance',
        type=number(float, 0),
        default=2,
        help='deviation of box edges from the mask in px',
    )
    add = parser.add_argument_group('outputs').add_argument
    add('--json', type=Path, help='write all that was found')
    add(
        '--contact-sheet',
        type=picture,
        help='write a picture of images with errors, look-alikes and others',
    )
    add(
        '--write-split',
        type=Path,
        metavar='FOLDER',
        help='write split files without look-alikes, never over existing ones',
    )
    add(
        '--on-leak',
        choices=MODES,
        default=MODES[0],
        help='take look-alikes out of the later split, out of the earlier '
        'one, or move them together',
    )
    add(
        '--test-fraction',
        type=float,
        default=0.3,
        help='of a new test split where there are no splits',
    )
    add('--seed', type=int, default=0, help='of that split')
    return parser.parse_args()


def picture(text: str) -> Path:
    """Type of an option: a path that pictures can be written to."""
    path = Path(text)
    if path.suffix.lower() not in PICTURES:
        raise argparse.ArgumentTypeError(
            f'{text}: end its name with one of {", ".join(PICTURES)}'
        )
    return path


def find_layouts(args: argparse.Namespace) -> list[Layout]:
    """Data sets that the command line names."""
    named = (args.images, args.masks, args.boxes, args.mask_suffix)
    if args.path.suffix != '.py' or args.path.is_dir():
        layout = open_layout(args.path, *named, args.split)
        convention = args.xml_convention or layout.xml_convention
        return [replace(layout, xml_convention=convention)]
    if any(value is not None for value in (*named, args.xml_convention)):
        raise ValueError(
            f'{args.path}: a config names its folders itself; leave out '
            '--images, --masks, --boxes, --mask-suffix and --xml-convention'
        )
    layouts = layouts_of_config(args.path)
    if not args.split:
        return layouts
    if len(layouts) > 1:
        raise ValueError(f'{args.path}: has several data sets; no --split')
    only = layouts[0]
    splits = open_layout(only.root, only.images, splits=args.split).splits
    return [replace(only, splits=splits)]


def write_outputs(args: argparse.Namespace, report: Report) -> None:
    """Write what the command line asks for, and say so."""
    if args.json is not None:
        write_json_whole(args.json, to_json(report), 'check again')
        print(f'report: {args.json}')
    if args.contact_sheet is not None:
        sheet = draw_sheet(report)
        if not mmcv.imwrite(sheet, str(args.contact_sheet)):
            raise OSError(f'{args.contact_sheet}: cannot be written')
        print(f'contact sheet: {args.contact_sheet}')
    if args.write_split is not None:
        new = make_splits(report, args.on_leak, args.test_fraction, args.seed)
        for path in write_splits(args.write_split, new.members):
            print(f'split: {path}')
        sizes = ', '.join(f'{k} {len(v)}' for k, v in new.members.items())
        print(
            f'new splits: {sizes}; {len(new.dropped)} look-alikes left out, '
            f'{new.moved} moved, {len(new.broken)} unusable left out'
        )


@command()
def main() -> int:
    """Check; returns the exit code."""
    args = parse_args()
    limits = args.threshold, args.box_tolerance
    report = check_dataset(find_layouts(args), *limits, track)
    print(format_report(report))
    write_outputs(args, report)
    return 0 if report.findings.clean else 1


if __name__ == '__main__':
    sys.exit(main())
