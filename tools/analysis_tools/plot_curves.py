"""Compare networks by their curves: IoU, HSE, Pd over Fa, and pixel ROC.

Each network is [NAME=]PATH, where PATH is one of
  - a JSON file of eval_pngs.py --json, of a test (result.json) or of a
    validation (HSEHook's curves_val_iter_N.json),
  - a work dir of tools/test.py, of which the newest result.json is read, or
    the folder of one run of a study.

AUC: under Pd over Fa it is the mean Pd at Fa from 0 to --fa-limit; under the
pixel ROC it is the integral of TPR over FPR from 0 to 1; both trapezoidal
over the thresholds, with the origin as first point. Few thresholds give less
than many, so compare networks at equal thresholds only.

Examples:
    python tools/analysis_tools/plot_curves.py ACM=work_dirs/acm \\
        ALCNet=work_dirs/alcnet --out curves.png

    # from probability maps
    python tools/analysis_tools/eval_pngs.py preds masks --thresholds 99 \\
        --json a.json
    python tools/analysis_tools/plot_curves.py a.json b.json --kinds roc pdfa

Exit codes: 0 all is drawn, 1 some networks could not be read (they are
listed), 2 wrong input, no figure.
"""

import argparse
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

from prettytable import PrettyTable

from fdep_mm.core.command import Parser, command
from fdep_mm.core.text import print
from fdep_mm.evaluation.functional import (
    Evaluation,
    read_json,
    scale_scores,
)
from fdep_mm.visualization import areas, plot_comparison
from fdep_mm.visualization.comparison import KINDS


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(__doc__)
    add = parser.add_argument
    add('models', nargs='+', metavar='[NAME=]PATH')
    add('--kinds', nargs='+', choices=KINDS, default=list(KINDS))
    add('--out', type=Path, default='curves.png', help='png, pdf or svg')
    add('--fa-limit', type=float, default=100, help='of the AUC, in 1e-6')
    return parser.parse_args()


def named(texts: list[str]) -> Iterator[tuple[str, Path]]:
    """Split each [NAME=]PATH; the default name is the last part of PATH."""
    seen = set()
    for text in texts:
        name, sep, rest = text.partition('=')
        path = Path(rest)
        if not sep or Path(text).exists():
            path = Path(text)
            name = path.stem if path.is_file() else path.resolve().name
        if name in seen:
            raise ValueError(f'two are called {name!r}; write NAME=PATH')
        seen.add(name)
        yield name, path


def stored_file(path: Path) -> Path:
    """The file itself, or the newest one of a work dir."""
    if not path.is_dir():
        return path
    seeds = sorted({one.parent for one in path.rglob('seed-*/result.json')})
    if len(seeds) > 1:
        raise ValueError(
            f'{path}: holds several runs of a study; give one, such as '
            f'{seeds[0]}, or draw them all by study.py --curves'
        )
    # HSEHook of version 0.1 wrote the second
    stored = [*path.rglob('result.json')] or [*path.rglob('curves_test.json')]
    if not stored:
        raise ValueError(
            f'{path}: holds no result.json of a test; of a folder of '
            'probability maps, eval_pngs.py --json writes a file that this '
            'tool reads'
        )
    return max(stored)  # the folders' names are times


def read_models(
    texts: list[str], failures: list[str]
) -> dict[str, Evaluation]:
    """Read all networks; warn if they were not evaluated alike."""
    models, protocols = {}, {}
    for name, path in named(texts):
        try:
            scores, curves, settings = read_json(stored_file(path))
        except (ValueError, OSError) as error:
            failures.append(f'{name}: {error}')
            continue
        models[name] = Evaluation(scores, curves)
        protocols[name] = settings, curves['thresholds'].round(6).tolist()
    for line in failures:
        print(f'left out: {line}', file=sys.stderr)
    if not models:
        raise ValueError('none of the networks can be drawn')
    first, *others = protocols
    for name in others:
        if protocols[name] != protocols[first]:
            warnings.warn(
                f'{first} and {name} were evaluated with different settings '
                'or thresholds; their numbers do not compare',
                UserWarning,
                stacklevel=2,
            )
    return models


def print_table(models: dict[str, Evaluation], fa_limit: float) -> None:
    """Print scores (percent, Fa x 1e-6) and areas."""
    keys = ('HSE', 'IoU', 'nIoU', 'Pd', 'Fa')
    table = PrettyTable(['network', *keys, 'AUC Pd-Fa', 'AUC ROC'])
    for name, model in models.items():
        scaled = scale_scores({key: model.scores[key] for key in keys})
        numbers = [f'{scaled[key]:.2f}' for key in keys]
        numbers += [f'{area:.4f}' for area in areas(model.curves, fa_limit)]
        table.add_row([name, *numbers])
    print(table)


@command()
def main() -> int:
    """Draw; returns the exit code."""
    args = parse_args()
    failures: list[str] = []
    limit = args.fa_limit * 1e-6
    models = read_models(args.models, failures)
    arms = {name: [model] for name, model in models.items()}
    figure = plot_comparison(arms, args.kinds, limit)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(args.out)
    print_table(models, limit)
    print(f'figure: {args.out}')
    return int(bool(failures))


if __name__ == '__main__':
    sys.exit(main())
