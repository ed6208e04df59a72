"""Compare networks by their curves: IoU, HSE, Pd over Fa, and pixel ROC.

Each network is [NAME=]PATH, where PATH is one of
  - a JSON file of eval_pngs.py --json or of HSEHook (curves_test.json),
  - a work dir of tools/test.py, of which the newest curves_test.json is read,
  - a folder of predicted probability maps (PNG), with --masks.

AUC: under Pd over Fa it is the mean Pd at Fa from 0 to --fa-limit; under the
pixel ROC it is the integral of TPR over FPR from 0 to 1; both trapezoidal
over the thresholds, with the origin as first point. Few thresholds give less
than many, so compare networks at equal thresholds only.

Examples:
    python tools/analysis_tools/plot_curves.py ACM=work_dirs/acm \\
        ALCNet=work_dirs/alcnet --out curves.png
    python tools/analysis_tools/plot_curves.py a.json b.json --kinds roc pdfa
    python tools/analysis_tools/plot_curves.py A=preds_a B=preds_b \\
        --masks data/masks --thresholds 199 --out curves.pdf

Exit codes: 0 all is drawn, 1 some files could not be used (they are listed),
2 wrong input, no figure.
"""

import argparse
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

from eval_pngs import add_reading_arguments
from prettytable import PrettyTable

from fdep_mm.core.command import Parser, command
from fdep_mm.core.text import print
from fdep_mm.evaluation.functional import (
    EvalProtocol,
    Evaluation,
    read_json,
    reduce_records,
    scale_scores,
)
from fdep_mm.visualization import (
    areas,
    count_files,
    list_images,
    pair_images,
    plot_comparison,
    read_names,
)
from fdep_mm.visualization.comparison import KINDS


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(__doc__)
    add = parser.add_argument
    add('models', nargs='+', metavar='[NAME=]PATH')
    add('--kinds', nargs='+', choices=KINDS, default=list(KINDS))
    add('--out', type=Path, default='curves.png', help='png, pdf or svg')
    add('--fa-limit', type=float, default=100, help='of the AUC, in 1e-6')
    add('--masks', type=Path, help='for folders of PNG files, as what follows')
    add('--thresholds', type=int, default=99, help='how many')
    add_reading_arguments(parser)
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


def evaluate(
    args: argparse.Namespace, path: Path, failures: list[str]
) -> tuple[Evaluation, dict]:
    """A network's numbers and settings; what is left out in `failures`."""
    # the folders' names are times
    stored = sorted(path.glob('**/curves_test.json')) or [path]
    if stored[-1].is_file():
        scores, curves, settings = read_json(stored[-1])
        return Evaluation(scores, curves), settings
    preds = list_images(path)
    if args.masks is None:
        raise ValueError(
            f'{path}: holds no curves_test.json; if it is a folder of '
            'probability maps, name the masks with --masks DIR'
        )
    protocol = EvalProtocol(args.thresholds)
    masks = list_images(args.masks, args.mask_suffix)
    kinds = dict(prediction=preds, mask=masks)
    wanted = None if args.split is None else read_names(args.split)
    names, complaints = pair_images(kinds, wanted)
    records, unusable = count_files(
        preds, masks, names, protocol, args.binary, args.max_value
    )
    failures += complaints + unusable
    evaluation = reduce_records([*records.values()], protocol)
    return evaluation, protocol.settings()


def read_models(
    args: argparse.Namespace, failures: list[str]
) -> dict[str, Evaluation]:
    """Read all networks; warn if they were not evaluated alike."""
    models, protocols = {}, {}
    for name, path in named(args.models):
        try:
            models[name], settings = evaluate(args, path, failures)
        except (ValueError, OSError) as error:
            failures.append(f'{name}: {error}')
            continue
        sweep = models[name].curves['thresholds'].round(6).tolist()
        protocols[name] = (settings, sweep)
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
    models = read_models(args, failures)
    arms = {name: [model] for name, model in models.items()}
    figure = plot_comparison(arms, args.kinds, limit)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(args.out)
    print_table(models, limit)
    print(f'figure: {args.out}')
    return int(bool(failures))


if __name__ == '__main__':
    sys.exit(main())
