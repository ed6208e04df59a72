"""The whole check of one or several data sets that are used together."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from fdep_mm.core.image import full_scale

from ..folders import Sample
from ..layouts import Layout
from .boxes import BoxCheck, compare_boxes, known_convention
from .findings import Findings
from .inspection import Record, inspect
from .leaks import Leak, find_leaks, report_copies, report_leaks
from .pairing import pair
from .statistics import describe

LARGE = 0.05  # of the image


@dataclass(frozen=True)
class Report:
    """Everything that was found.

    Attributes:
        layouts (list[Layout]): The data sets.
        splits (list[str]): Names of the splits, training first.
        records (list[Record]): One per image.
        findings (Findings): What is wrong or remarkable.
        statistics (dict[str, dict]): Split -> see
            :func:`~.statistics.describe`.
        leaks (list[Leak]): Look-alikes across splits.
        boxes (dict[str, BoxCheck]): Data set -> its box files against its
            masks; only where there are both.
        threshold (float): Look-alikes correlate above it.
    """

    layouts: list[Layout]
    splits: list[str]
    records: list[Record]
    findings: Findings
    statistics: dict[str, dict]
    leaks: list[Leak]
    boxes: dict[str, BoxCheck]
    threshold: float

    def usable(self) -> list[Record]:
        """Records with a readable image, and a good mask if there are any."""
        masked = {layout.name for layout in self.layouts if layout.masks}
        return [
            record
            for record in self.records
            if record.shape is not None
            and (
                record.targets is not None
                or record.sample.dataset not in masked
            )
        ]


def check_dataset(
    layouts: Sequence[Layout],
    threshold: float = 0.98,
    side: int = 48,
    margin: int = 10,
    tolerance: float = 2.0,
    progress: Callable[[Sequence[Sample]], Iterable[Sample]] = iter,
) -> Report:
    """Read every image that a split lists, and look for what is wrong.

    Args:
        layouts (Sequence[Layout]): One data set, or several that are used
            together, such as SIRST3. Splits of the same name are one.
        threshold (float): Images whose thumbnails correlate above it are
            look-alikes.
        side (int): Of the thumbnails in px.
        margin (int): Of a target's surroundings in px.
        tolerance (float): Of a box's edges in px.
        progress (Callable): Iterates over the samples and may show how far
            it is. Defaults to iter: silent.

    Returns:
        Report: What was found.

    Raises:
        ValueError: An image folder holds no images.
    """
    findings = Findings()
    samples = [s for layout in layouts for s in pair(layout, findings)]
    records = [inspect(s, side, margin) for s in progress(samples)]
    names = (name for layout in layouts for name in layout.splits)
    splits = list(dict.fromkeys(names))
    for record in records:
        for code, detail in record.problems:
            findings.add(code, record.sample.where, detail)
    boxes = _check_boxes(records, tolerance, findings)
    for layout in layouts if boxes else ():
        check = boxes.get(layout.name)
        found = check and check.compared and known_convention(check.offset)
        if found and found != layout.xml_convention:
            detail = f'{layout.xml_convention} is set, the masks show {found}'
            findings.add('box-convention', layout.name, detail)
    _check_depth(records, findings)
    _check_targets(records, findings)
    for split in splits:
        own = [r for r in records if split in r.sample.splits]
        masked = [r.targets for r in own if r.targets is not None]
        if masked and not any(masked):
            detail = f'{len(masked)} masks'
            findings.add('no-target', f'{layouts[0].name} {split}', detail)
    report_copies(records, splits, findings)
    leaks = find_leaks(records, splits, threshold)
    report_leaks(leaks, findings)
    statistics = {
        split: describe([r for r in records if split in r.sample.splits])
        for split in splits
    }
    return Report(
        list(layouts),
        splits,
        records,
        findings,
        statistics,
        leaks,
        boxes,
        threshold,
    )


def _check_boxes(
    records: Sequence[Record], tolerance: float, findings: Findings
) -> dict[str, BoxCheck]:
    checks = {}
    for name in dict.fromkeys(r.sample.dataset for r in records):
        both = [
            record
            for record in records
            if record.sample.dataset == name
            and record.boxes is not None
            and record.targets is not None
        ]
        if not both:
            continue
        check = compare_boxes(
            [record.boxes for record in both],
            [record.mask_boxes for record in both],
            tolerance,
        )
        checks[name] = check
        for index, text in check.differences.items():
            where = both[index].sample.where
            findings.add('box-mismatch', where, text)
    return checks


def _check_depth(records: Sequence[Record], findings: Findings) -> None:
    """Types of the files, and how much of 16 bits they use."""
    for name in dict.fromkeys(r.sample.dataset for r in records):
        own = [r for r in records if r.sample.dataset == name and r.dtype]
        types = Counter(record.dtype for record in own)
        if len(types) > 1:
            detail = ', '.join(f'{n} {t}' for t, n in types.most_common())
            findings.add('bit-depth', name, detail)
        deep = [r.high for r in own if r.dtype == 'uint16']
        if deep and max(deep) < 2**15:
            high = max(deep)
            detail = f'largest value {high:.0f}: max_value={full_scale(high)}'
            findings.add('bit-range', name, detail)


def _check_targets(records: Sequence[Record], findings: Findings) -> None:
    for record in records:
        targets = record.targets or []
        areas = [target.area for target in targets]
        where = record.sample.where
        if max(areas, default=0) > LARGE * np.prod(record.shape or 1):
            findings.add('target-large', where, f'{max(areas)} px')
        contrasts = [t.contrast for t in targets if t.contrast < 0]
        if contrasts:
            detail = f'contrast {min(contrasts):.1f}'
            findings.add('target-dark', where, detail)
