"""The printed and the stored form of a check."""

import json
from pathlib import Path

from prettytable import PrettyTable

from .checker import Report
from .findings import CODES, LEVELS, Findings
from .inspection import Record
from .leaks import Leak
from .targets import Target

SHOWN = 5
UNITS = dict(area='px', width='px', height='px', contrast='grey', scr='')
TIERS = (0.99, 0.999)


def to_json(report: Report) -> dict:
    """Everything as plain lists, dicts and numbers.

    Args:
        report (Report): From :func:`~.checker.check_dataset`.

    Returns:
        dict: ``clean``, ``counts`` per level, ``datasets``, ``findings``,
        ``leaks``, ``boxes``, ``statistics`` and ``images``. It has no NaN.
    """
    findings = report.findings
    codes = [code for level in LEVELS for code in findings.codes(level)]
    return dict(
        clean=findings.clean,
        counts={level: _count(report, level) for level in LEVELS},
        datasets=[
            dict(
                name=layout.name,
                root=str(layout.root),
                splits={k: _names(v) for k, v in layout.splits.items()},
            )
            for layout in report.layouts
        ],
        findings=[_finding(findings, code) for code in codes],
        leaks=[_leak(leak, report.threshold) for leak in report.leaks],
        boxes={
            name: dict(offset=list(check.offset), compared=check.compared)
            for name, check in report.boxes.items()
        },
        statistics=report.statistics,
        images=[_image(record) for record in report.records],
    )


def write_report(path: Path, report: Report) -> None:
    """Store :func:`to_json`.

    Args:
        path (Path): File to write; its folder exists.
        report (Report): From :func:`~.checker.check_dataset`.
    """
    text = json.dumps(to_json(report), indent=1, allow_nan=False)
    path.write_text(text + '\n', encoding='utf-8')


def format_report(report: Report) -> str:
    """Summary for people.

    Args:
        report (Report): From :func:`~.checker.check_dataset`.

    Returns:
        str: Many lines: numbers per split, look-alikes, boxes, findings with
        the first few places of each, and counts at the end.
    """
    lines = [f'{layout.name}: {layout.root}' for layout in report.layouts]
    lines.append(_table(report))
    lines += [_leak_line(leak, report.threshold) for leak in report.leaks]
    for name, check in report.boxes.items():
        offset = ', '.join(f'{value:g}' for value in check.offset)
        lines.append(
            f'{name}: {check.compared} boxes compared with the masks; the '
            f'files add ({offset}) to 0-based half-open corners'
        )
    for level in LEVELS:
        for code in report.findings.codes(level):
            lines += ['', *_finding_lines(report, level, code)]
    counts = ', '.join(f'{_count(report, level)} {level}s' for level in LEVELS)
    return '\n'.join([*lines, '', counts])


def _names(files: Path | tuple[Path, ...] | None) -> str | list[str] | None:
    if isinstance(files, tuple):
        return [str(path) for path in files]
    return files and str(files)


def _count(report: Report, level: str) -> int:
    codes = report.findings.codes(level)
    return sum(len(report.findings.items(code)) for code in codes)


def _finding(findings: Findings, code: str) -> dict:
    level, meaning, advice = CODES[code]
    items = [item._asdict() for item in findings.items(code)]
    return dict(
        code=code, level=level, meaning=meaning, advice=advice, items=items
    )


def _image(record: Record) -> dict:
    targets = record.targets
    return dict(
        id=record.sample.image_id,
        dataset=record.sample.dataset,
        splits=list(record.sample.splits),
        shape=record.shape and list(record.shape),
        type=record.dtype,
        low=record.low,
        high=record.high,
        targets=None if targets is None else len(targets),
        problems=[code for code, _ in record.problems],
    )


def _leak(leak: Leak, threshold: float) -> dict:
    return dict(
        split=leak.split,
        earlier=leak.earlier,
        images=leak.images,
        threshold=threshold,
        count=len(leak.pairs),
        identical=sum(pair.identical for pair in leak.pairs),
        pairs=[
            dict(
                image=pair.record.sample.where,
                match=pair.match.sample.where,
                correlation=round(pair.correlation, 6),
                identical=pair.identical,
            )
            for pair in leak.pairs
        ],
    )


def _leak_line(leak: Leak, threshold: float) -> str:
    count = len(leak.pairs)
    share = 100 * count / max(1, leak.images)
    line = (
        f'look-alikes: {count} of {leak.images} images of {leak.split} '
        f'({share:.1f} %) correlate above {threshold:g} with one of '
        f'{leak.earlier}'
    )
    tiers = [
        f'{leak.count(tier)} above {tier:g}'
        for tier in TIERS
        if count and tier > threshold
    ]
    return '; '.join([line, ', '.join(tiers)]) if tiers else line


def _finding_lines(report: Report, level: str, code: str) -> list[str]:
    _, meaning, advice = CODES[code]
    items = report.findings.items(code)
    lines = [f'{level.upper()} {code} ({len(items)}): {meaning}; {advice}']
    for item in items[:SHOWN]:
        detail = f': {item.detail}' if item.detail else ''
        lines.append(f'  {item.where}{detail}')
    if len(items) > SHOWN:
        lines.append(f'  and {len(items) - SHOWN} more')
    return lines


def _table(report: Report) -> str:
    table = PrettyTable(['', *report.splits])
    table.align = 'r'
    table.align[''] = 'l'
    columns = [_column(report.statistics[name]) for name in report.splits]
    for row in columns[0]:
        table.add_row([row, *(column[row] for column in columns)])
    return table.get_string()


def _column(numbers: dict) -> dict[str, str]:
    kinds = ', '.join(f'{n} {kind}' for kind, n in numbers['types'].items())
    column = {
        'images': str(numbers['images']),
        'without target': str(numbers['without_target']),
        'targets': str(numbers['targets']),
        'width (px)': _span(numbers['width']),
        'height (px)': _span(numbers['height']),
        'type': kinds or '-',
        'grey values': _span(numbers['grey']),
        'mean, std of images (0..255)': '-'
        if numbers['mean'] is None
        else f'{numbers["mean"]:.2f}, {numbers["std"]:.2f}',
    }
    for name in Target._fields:
        unit = f' ({UNITS[name]})' if UNITS[name] else ''
        found = numbers['target'][name]
        column[f'target {name}{unit}, 5 % / median / 95 %'] = (
            '-'
            if found is None
            else ' / '.join(f'{found[q]:.3g}' for q in ('p5', 'median', 'p95'))
        )
    return column


def _span(values: list[float] | None) -> str:
    if values is None:
        return '-'
    return '..'.join(f'{value:g}' for value in dict.fromkeys(values))
