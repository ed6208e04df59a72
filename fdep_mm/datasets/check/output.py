"""The printed and the stored form of a check."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from prettytable import PrettyTable

from .checker import Report
from .findings import CODES
from .inspection import Record
from .leaks import Leak
from .targets import MeasuredTarget

SHOWN = 5  # places of each finding
UNITS = dict(area='px', width='px', height='px', contrast='gray', scr='')
TIERS = (0.99, 0.999)
QUANTILES = dict(min=0, p5=5, median=50, p95=95, max=100)


def to_json(report: Report) -> dict:
    """Everything as plain lists, dicts and numbers, without NaN."""
    found = report.findings
    return dict(
        clean=found.clean,
        counts={level: found.count(level) for level in CODES},
        threshold=report.threshold,
        datasets=[
            dict(
                name=layout.name,
                root=str(layout.root),
                splits={k: [*map(str, v)] for k, v in layout.splits.items()},
            )
            for layout in report.layouts
        ],
        findings=[
            dict(
                code=code,
                level=level,
                meaning=CODES[level][code],
                items=[item._asdict() for item in found.items(code)],
            )
            for level in CODES
            for code in found.codes(level)
        ],
        leaks=[_leak(leak) for leak in report.leaks],
        boxes={
            name: dict(offset=list(check.offset), compared=check.compared)
            for name, check in report.boxes.items()
        },
        statistics={
            split: split_statistics(report.of_split(split))
            for split in report.splits
        },
        images=[_image(record) for record in report.records],
    )


def split_statistics(records: Sequence[Record]) -> dict:
    """Summarize the images and targets of a split; None for what is missing.

    Means and standard deviations of images, in 0..255, are averaged.
    """
    readable = [record for record in records if record.shape is not None]
    labeled = [record for record in records if record.targets is not None]
    targets = [target for record in labeled for target in record.targets]
    numbers = Counter(len(record.targets) for record in labeled)
    return dict(
        images=len(records),
        readable=len(readable),
        with_valid_mask=len(labeled),
        without_target=numbers[0],
        targets=len(targets),
        targets_per_image=dict(sorted(numbers.items())),
        mean=_mean([record.mean for record in readable]),
        std=_mean([record.std for record in readable]),
        width=_range([record.shape[1] for record in readable]),
        height=_range([record.shape[0] for record in readable]),
        sizes=len({record.shape for record in readable}),
        types=dict(Counter(record.dtype for record in readable)),
        channels=dict(Counter(record.channels for record in readable)),
        gray=_range([value for r in readable for value in (r.low, r.high)]),
        target={
            name: _quantiles([getattr(target, name) for target in targets])
            for name in MeasuredTarget._fields
        },
    )


def format_report(report: Report) -> str:
    """Numbers per split, look-alikes, boxes, and findings, as text."""
    lines = [f'{layout.name}: {layout.root}' for layout in report.layouts]
    lines.append(_table(report))
    lines += [_leak_line(leak, report.threshold) for leak in report.leaks]
    for name, check in report.boxes.items():
        offset = ', '.join(f'{value:g}' for value in check.offset)
        lines.append(
            f'{name}: {check.compared} boxes compared with the masks; the '
            f'files add ({offset}) to 0-based half-open corners'
        )
    for level, codes in CODES.items():
        for code in report.findings.codes(level):
            items = report.findings.items(code)
            head = f'{level.upper()} {code} ({len(items)}): {codes[code]}'
            lines += ['', head]
            for item in items[:SHOWN]:
                lines.append('  ' + ': '.join(filter(None, item)))
            if len(items) > SHOWN:
                lines.append(f'  and {len(items) - SHOWN} more')
    counts = (f'{report.findings.count(k)} {k}s' for k in CODES)
    return '\n'.join([*lines, '', ', '.join(counts)])


def _mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _range(values: list[float]) -> list[float] | None:
    return [min(values), max(values)] if values else None


def _quantiles(values: list[float]) -> dict[str, float] | None:
    values = np.array(values, np.float64)
    values = values[np.isfinite(values)]
    if not len(values):
        return None
    found = np.percentile(values, list(QUANTILES.values())).tolist()
    return dict(zip(QUANTILES, found, strict=True))


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


def _leak(leak: Leak) -> dict:
    """The pairs themselves are among the findings."""
    return dict(
        split=leak.split,
        earlier=leak.earlier,
        images=leak.images,
        count=len(leak.pairs),
        identical=sum(pair.identical for pair in leak.pairs),
    )


def _leak_line(leak: Leak, threshold: float) -> str:
    count = len(leak.pairs)
    tiers = [
        f'; {leak.count(tier)} above {tier:g}'
        for tier in TIERS
        if count and tier > threshold
    ]
    return (
        f'look-alikes: {count} of {leak.images} images of {leak.split} '
        f'({100 * count / max(1, leak.images):.1f} %) correlate above '
        f'{threshold:g} with one of {leak.earlier}{"".join(tiers)}'
    )


def _table(report: Report) -> str:
    table = PrettyTable()
    for split in report.splits:
        column = _column(split_statistics(report.of_split(split)))
        if not table.field_names:
            table.add_column('', list(column), align='l')
        table.add_column(split, list(column.values()), align='r')
    return table.get_string()


def _column(numbers: dict) -> dict[str, str]:
    kinds = (f'{n} {kind}' for kind, n in numbers['types'].items())
    constants = '-'
    if numbers['mean'] is not None:
        constants = f'{numbers["mean"]:.2f}, {numbers["std"]:.2f}'
    column = {
        'images': str(numbers['images']),
        'without target': str(numbers['without_target']),
        'targets': str(numbers['targets']),
        'width (px)': _span(numbers['width']),
        'height (px)': _span(numbers['height']),
        'type': ', '.join(kinds) or '-',
        'gray values': _span(numbers['gray']),
        'mean, std of images (0..255)': constants,
    }
    for name, found in numbers['target'].items():
        unit = f' ({UNITS[name]})' if UNITS[name] else ''
        three = '-'
        if found is not None:
            values = (found[q] for q in ('p5', 'median', 'p95'))
            three = ' / '.join(f'{value:.3g}' for value in values)
        column[f'target {name}{unit}, 5 % / median / 95 %'] = three
    return column


def _span(values: list[float] | None) -> str:
    if values is None:
        return '-'
    return '..'.join(f'{value:g}' for value in dict.fromkeys(values))
