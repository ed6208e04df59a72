"""Draw losses and scores of trainings, several work dirs in one figure.

Each training is [NAME=]DIR, a work dir of tools/train.py; what its starts
logged to vis_data/scalars.json is put together, so that a resumed training
is one curve.

Examples:
    python tools/analysis_tools/plot_training.py work_dirs/acm --out acm.png
    python tools/analysis_tools/plot_training.py ACM=work_dirs/acm \\
        FDEP=work_dirs/fdep_acm --keys loss sirst/IoU

Exit codes: 0 all is drawn, 1 some work dirs could not be read (they are
listed), 2 wrong input, no figure.
"""

import argparse
import sys
from pathlib import Path

from plot_curves import named

from fdep_mm.core.text import one_line_errors
from fdep_mm.visualization import plot_training, read_scalars


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('work_dirs', nargs='+', metavar='[NAME=]DIR')
    parser.add_argument(
        '--keys',
        nargs='+',
        help='what to draw (default: the loss and all scores)',
    )
    parser.add_argument(
        '--out',
        type=Path,
        default=Path('training.png'),
        help='figure; png, pdf or svg (default training.png)',
    )
    return parser.parse_args()


def run(args: argparse.Namespace) -> int:
    """Draw; returns the exit code."""
    runs, complete = {}, True
    for name, path in named(args.work_dirs):
        try:
            runs[name] = read_scalars(path)
        except (ValueError, OSError) as error:
            print(f'left out: {name}: {error}', file=sys.stderr)
            complete = False
    if not runs:
        raise ValueError('none of the work dirs can be read')
    figure = plot_training(runs, args.keys)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(args.out)
    print(f'{len(runs)} trainings: {args.out}')
    return int(not complete)


def main() -> int:
    """Draw; returns the exit code."""
    args = parse_args()
    return one_line_errors(lambda: run(args))


if __name__ == '__main__':
    sys.exit(main())
