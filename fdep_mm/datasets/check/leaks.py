"""Images that one split shares with another, as they are or nearly."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .duplicates import best_matches
from .findings import Findings
from .inspection import Record


class Pair(NamedTuple):
    """An image and its look-alike in an earlier split."""

    record: Record
    match: Record
    correlation: float
    identical: bool


class Leak(NamedTuple):
    """What of a split an earlier split has as well.

    Attributes:
        pairs (list[Pair]): One for each image that has a look-alike: with the
            most similar one, the most similar pair first.
    """

    split: str
    earlier: str
    images: int
    pairs: list[Pair]

    def count(self, threshold: float) -> int:
        """How many pairs correlate above a threshold."""
        return sum(pair.correlation > threshold for pair in self.pairs)


def members(records: Sequence[Record], split: str) -> list[Record]:
    """Records of a split whose image could be read."""
    return [
        record
        for record in records
        if record.thumbnail is not None and split in record.sample.splits
    ]


def find_leaks(
    records: Sequence[Record], splits: Sequence[str], threshold: float
) -> list[Leak]:
    """Compare each split with each earlier one.

    Images that are listed in both are left out: they overlap as files.
    """
    leaks = []
    for number, split in enumerate(splits):
        for earlier in splits[:number]:
            gallery = members(records, earlier)
            queries = [
                record
                for record in members(records, split)
                if earlier not in record.sample.splits
            ]
            pairs = _pairs(queries, gallery, threshold)
            images = len(members(records, split))
            leaks.append(Leak(split, earlier, images, pairs))
    return leaks


def report_leaks(leaks: Sequence[Leak], findings: Findings) -> None:
    """Add look-alikes to the findings."""
    for leak in leaks:
        for record, match, correlation, identical in leak.pairs:
            detail = f'of {match.sample.where}'
            if not identical:
                detail = f'{match.sample.where}, {correlation:.4f}'
            code = 'duplicate' if identical else 'near-duplicate'
            findings.add(code, record.sample.where, detail)


def report_copies(
    records: Sequence[Record], splits: Sequence[str], findings: Findings
) -> None:
    """Add identical images of one split to the findings."""
    for split in splits:
        seen: dict[str, Record] = {}
        for record in members(records, split):
            first = seen.setdefault(record.digest, record)
            if first is not record:
                detail = f'of {first.sample.where}'
                where = record.sample.where
                findings.add('duplicate-within', where, detail)


def _pairs(
    queries: list[Record], gallery: list[Record], threshold: float
) -> list[Pair]:
    if not queries or not gallery:
        return []
    by_digest = {record.digest: record for record in gallery}
    index, value = best_matches(
        np.stack([record.thumbnail for record in queries]),
        np.stack([record.thumbnail for record in gallery]),
    )
    pairs = []
    for record, best, correlation in zip(queries, index, value, strict=True):
        if record.digest in by_digest:
            # images of one value correlate with nothing, but can be equal
            pairs.append(Pair(record, by_digest[record.digest], 1.0, True))
        elif correlation > threshold:
            pairs.append(
                Pair(record, gallery[best], float(correlation), False)
            )
    return sorted(pairs, key=lambda pair: -pair.correlation)
