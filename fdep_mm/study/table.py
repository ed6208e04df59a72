"""Tables of a study as Markdown, LaTeX and CSV."""

import csv
import io
import math
from collections.abc import Sequence
from itertools import groupby

from .plan import Study
from .results import LAST
from .summary import Row

FORMATS = ('md', 'csv', 'latex')
COLUMNS = (
    'data,host,arm,checkpoint,score,seeds,mean,std,paired_seeds,difference,'
    'low,high,image_iou_wilcoxon_p'
).split(',')
NOTE = (
    'Mean ± sample standard deviation over the finished seeds, at the last '
    'epoch unless the arm says otherwise; Fa in 1e-6, {fractions}others x100; '
    'last 5: mean of the last five validations.'
)
FRACTIONS = 'AP and NoCoAP from 0 to 1, '
PAIRED = (
    'Differences to {baseline}, paired by seed, with 95 % confidence interval '
    '(Student); p: Wilcoxon over the images, IoU averaged over these seeds.'
)


def format_study(study: Study, rows: Sequence[Row], kind: str) -> str:
    """Format what :func:`.summary.summarize` gave.

    'md' and 'latex' give two tables for each data set and host: scores, and
    differences to the baseline. 'csv' gives a line for each arm and score.
    What is not there is n/a, or empty in CSV.
    """
    if kind == 'csv':
        return _csv(rows)
    write = _markdown if kind == 'md' else _latex
    comment = '% ' if kind == 'latex' else ''
    fractions = FRACTIONS if '.4f' in _formats(rows[0]) else ''
    parts = [comment + NOTE.format(fractions=fractions)]
    if study.baseline is not None:
        parts.append(comment + PAIRED.format(baseline=study.baseline))
    for place, group in groupby(rows, key=lambda row: row[:2]):
        group = list(group)
        parts.append(comment + ', '.join(place))
        parts.append(write(_scores(group, len(study.seeds))))
        if study.baseline is not None:
            parts.append(write(_differences(group)))
    return '\n\n'.join(parts) + '\n'


def _scores(rows: Sequence[Row], total: int) -> list[list[str]]:
    table = [['arm', 'seeds', *_heads(rows[0])]]
    formats = _formats(rows[0])
    for row in rows:
        pairs = zip(formats, row.scores.values(), strict=True)
        values = (
            _number(mean, n) + ('' if math.isnan(std) else f' ± {std:{n}}')
            for n, (mean, std) in pairs
        )
        table.append([_arm(row), f'{row.num}/{total}', *values])
    return table


def _differences(rows: Sequence[Row]) -> list[list[str]]:
    table = [['arm', 'pairs', *_heads(rows[0]), 'p']]
    formats = _formats(rows[0])
    for row in rows:
        line = [_arm(row)]
        paired = row.differences.values()
        for n, (mean, low, high, num) in zip(formats, paired, strict=False):
            limits = f'{low:+{n}}, {high:+{n}}' if num > 1 else 'n/a'
            unknown = math.isnan(mean)
            line += ['n/a' if unknown else f'{mean:+{n}} [{limits}]']
        if row.differences:
            line.insert(1, str(num))
            table.append([*line, _number(row.wilcoxon_p, '.2g')])
    return table


def _csv(rows: Sequence[Row]) -> str:
    text = io.StringIO()
    table = csv.writer(text, lineterminator='\n')
    table.writerow(COLUMNS)
    for row in rows:
        for name, (mean, std) in row.scores.items():
            paired = row.differences.get(name)
            mine = [paired.num, *paired[:3], row.wilcoxon_p] if paired else []
            values = [*row[:4], name, row.num, mean, std, *mine]
            values += [''] * (len(COLUMNS) - len(values))
            table.writerow(['' if one != one else one for one in values])
    return text.getvalue()


def _markdown(table: list[list[str]]) -> str:
    head, *body = table
    lines = [head, ['---'] + ['---:'] * (len(head) - 1), *body]
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines)


def _latex(table: list[list[str]]) -> str:
    head, *body = [' & '.join(line) + r' \\' for line in table]
    text = '\n'.join([head, r'\midrule', *body])
    for sign, command in (('±', r'$\pm$'), ('_', r'\_'), ('%', r'\%')):
        text = text.replace(sign, command)
    columns = 'l' + 'r' * (len(table[0]) - 1)
    return (
        f'\\begin{{tabular}}{{{columns}}}\n\\toprule\n{text}\n\\bottomrule\n'
        '\\end{tabular}'
    )


def _arm(row: Row) -> str:
    return row.arm + (' (best epoch)' if row.checkpoint == 'best' else '')


def _heads(row: Row) -> list[str]:
    short = [score.rpartition('/')[2] for score in row.scores]
    return [*short[:-1], f'{short[0]} {LAST}']


def _formats(row: Row) -> list[str]:
    """Of the scores of a row; AP and NoCoAP are logged as fractions."""
    return ['.4f' if 'AP' in head else '.2f' for head in _heads(row)]


def _number(value: float, digits: str) -> str:
    return 'n/a' if math.isnan(value) else format(value, digits)
