"""The whole check of one or several data sets that are used together."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from fdep_mm.core.boxes import LARGE

from ..folders import Sample
from ..layouts import Layout
from .boxes import BoxCheck, compare_boxes, known_convention
from .findings import Findings
from .inspection import Record, inspect
from .leaks import Leak, find_leaks
from .pairing import list_samples


@dataclass(frozen=True)
class Report:
    """Everything that was found."""

    layouts: list[Layout]
    splits: list[str]  # training first
    records: list[Record]  # one per image
    findings: Findings
    leaks: list[Leak]
    boxes: dict[str, BoxCheck]  # of data sets with box files and masks
    threshold: float  # look-alikes correlate above it

    def of_split(self, split: str) -> list[Record]:
        """Records of a split."""
        return [r for r in self.records if split in r.sample.splits]

    def usable(self) -> list[Record]:
        """Records with a readable image, and a good mask if there are any."""
        masked = {layout.name for layout in self.layouts if layout.masks}
        return [
            r
            for r in self.records
            if r.shape is not None
            and (r.targets is not None or r.sample.dataset not in masked)
        ]


def check_dataset(
    layouts: Sequence[Layout],
    threshold: float = 0.98,
    tolerance: float = 2.0,
    progress: Callable[[Sequence[Sample]], Iterable[Sample]] = iter,
) -> Report:
    """Read every image that a split lists, and look for what is wrong.

    Args:
        layouts (Sequence[Layout]): One data set, or several that are used
            together, such as SIRST3. Splits of the same name are one.
        threshold (float): Images whose thumbnails correlate above it are
            look-alikes.
        tolerance (float): Of a box's edges, px.
        progress (Callable): Iterates over the samples and shows a bar.

    Raises:
        ValueError: An image folder holds no images.
    """
    findings = Findings()
    samples = [s for one in layouts for s in list_samples(one, findings)]
    records = [inspect(sample) for sample in progress(samples)]
    splits = [*dict.fromkeys(k for layout in layouts for k in layout.splits)]
    boxes = {}
    # layouts of one name are folders of one data set
    for name, layout in {one.name: one for one in layouts}.items():
        own = [r for r in records if r.sample.dataset == name]
        _check_depth(name, own, findings)
        if check := _check_boxes(layout, own, tolerance, findings):
            boxes[name] = check
    for record in records:
        _check_record(record, findings)
    leaks = find_leaks(records, splits, threshold, findings)
    report = Report(
        list(layouts), splits, records, findings, leaks, boxes, threshold
    )
    for split in splits:
        masked = [r for r in report.of_split(split) if r.targets is not None]
        if masked and not any(record.targets for record in masked):
            detail = f'{len(masked)} masks'
            findings.add('no-target', f'{layouts[0].name} {split}', detail)
    return report


def _check_boxes(
    layout: Layout,
    records: Sequence[Record],
    tolerance: float,
    findings: Findings,
) -> BoxCheck | None:
    """Box files of a data set against its masks, if it has both."""
    both = [r for r in records if not (r.boxes is None or r.targets is None)]
    if not both:
        return None
    boxes, targets = [r.boxes for r in both], [r.mask_boxes for r in both]
    check = compare_boxes(boxes, targets, tolerance)
    for index, text in check.differences.items():
        findings.add('box-mismatch', both[index].sample.where, text)
    found = known_convention(check.offset) if check.compared else None
    if found and found != layout.xml_convention:
        detail = f'{layout.xml_convention} is set, the masks show {found}'
        findings.add('box-convention', layout.name, detail)
    return check


def _check_depth(
    name: str, records: Sequence[Record], findings: Findings
) -> None:
    """Types of the files, and how much of 16 bits they use."""
    types = Counter(record.dtype for record in records if record.dtype)
    if len(types) > 1:
        detail = ', '.join(f'{n} {t}' for t, n in types.most_common())
        findings.add('bit-depth', name, detail)
    deep = [record for record in records if record.dtype == 'uint16']
    low = min((record.low for record in deep), default=0)
    high = max((record.high for record in deep), default=2**16)
    if 0 < high - low < 2**14:
        split = deep[0].sample.splits[0]
        own = [record for record in deep if split in record.sample.splits]
        # records hold mean and std as if 65535 were white
        scale = 65535 / (high - low)
        mean = scale * (np.mean([r.mean for r in own]) - 255 * low / 65535)
        std = scale * np.mean([r.std for r in own])
        detail = f'gray_range=({low:.0f}, {high:.0f})'
        if len(types) == 1:
            detail += f'; mean, std of {split} are then {mean:.2f}, {std:.2f}'
        findings.add('bit-range', name, detail)


def _check_record(record: Record, findings: Findings) -> None:
    """Problems of the files, and odd targets."""
    where = record.sample.where
    for code, detail in record.problems:
        findings.add(code, where, detail)
    targets = record.targets or []
    area = max((target.area for target in targets), default=0)
    if area > LARGE * np.prod(record.shape or 1):
        findings.add('target-large', where, f'{area} px')
    dark = [t.contrast for t in targets if t.contrast < 0]
    if dark:
        findings.add('target-dark', where, f'contrast {min(dark):.1f}')
