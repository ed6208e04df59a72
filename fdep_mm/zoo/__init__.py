"""Trained networks that come with the package, by their names.

Each is a ``NAME.safetensors`` in this folder. Its metadata hold what inference
needs of the config (``cfg``, as in MMEngine's checkpoints) and where the
weights come from (``card``, JSON; ``NAME.md`` in prose). A ``NAME.onnx``
beside it runs without PyTorch. ``tools/model_converters/make_zoo.py`` makes
them. ``examples`` holds scenes of :class:`.SyntheticSIRSTDataset`.
"""

import json
import re
from collections.abc import Iterable
from difflib import get_close_matches
from os import PathLike
from pathlib import Path

FOLDER = Path(__file__).parent
EXAMPLES = FOLDER / 'examples'


def files() -> list[Path]:
    """The trained networks, sorted by name."""
    return sorted(FOLDER.glob('*.safetensors'))


def names() -> list[str]:
    """Names of the trained networks."""
    return [path.stem for path in files()]


def is_name(value: object) -> bool:
    """Whether a value is written as a name: no folder, no suffix."""
    return isinstance(value, str) and bool(re.fullmatch(r'[\w-]+', value))


def find(name: str, others: Iterable[str] = ()) -> Path:
    """Find the file of a trained network.

    Raises:
        FileNotFoundError: There is none; the names that exist are listed.
        FileExistsError: The current folder holds a file of the same name.
    """
    known = names()
    if name not in known:
        if Path(name).is_dir():
            raise FileNotFoundError(
                f'{name!r} is a folder: name a network first, such as '
                f"'alcnet {name}'"
            )
        nearest = get_close_matches(name, [*known, *others], 999, 0)
        raise FileNotFoundError(
            f'{name!r}: no such file in {Path.cwd()}, network or method. '
            f'There are: {", ".join(nearest)}'
        )
    if Path(name).is_file():
        raise FileExistsError(
            f'{name!r} is a trained network and a file in {Path.cwd()}: write '
            f"'./{name}' for the file, or rename it"
        )
    return FOLDER / f'{name}.safetensors'


def resolve(weights: str | PathLike) -> str | PathLike:
    """Turn a name into a path as :func:`find` does; leave paths."""
    if is_name(weights) and (
        weights in names() or not Path(weights).is_file()
    ):
        return str(find(weights))
    return weights


def read_card(path: Path) -> dict:
    """Read where weights come from: see the options of ``make_zoo.py``.

    ``scores`` is a list of dicts with ``data``, ``split`` and metrics, in
    percent, Fa in 1e-6.
    """
    with path.open('rb') as file:  # length of the header, header
        length = int.from_bytes(file.read(8), 'little')
        metadata = json.loads(file.read(length))['__metadata__']
    return json.loads(metadata['card'])


def table(paths: Iterable[Path]) -> str:
    """Tabulate trained networks."""
    rows = []
    for path in paths:
        card = read_card(path)
        row = {'name': path.stem, 'trained on': card['data']}
        row['MB'] = f'{path.stat().st_size / 1e6:.1f}'
        row['ONNX'] = 'yes' if path.with_suffix('.onnx').is_file() else 'no'
        for score in card['scores']:
            on = f'{score["data"]} {score["split"]}'
            metrics = {
                key: f'{value:.1f}'
                for key, value in score.items()
                if key not in ('data', 'split')
            }
            rows.append({**row, 'scored on': on, **metrics})
            row = {}
    columns = list(dict.fromkeys(key for row in rows for key in row))
    return _framed([columns, *([r.get(c, '') for c in columns] for r in rows)])


def _framed(lines: list[list[str]]) -> str:
    """Draw a table; prettytable is not there with onnxruntime alone."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = '+'.join(['', *('-' * (width + 2) for width in widths), ''])
    head, *body = (
        '| ' + ' | '.join(map(str.ljust, line, widths)) + ' |'
        for line in lines
    )
    return '\n'.join([rule, head, rule, *body, rule])
