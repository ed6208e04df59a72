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


def find_leaks(
    records: Sequence[Record],
    splits: Sequence[str],
    threshold: float,
    findings: Findings,
) -> list[Leak]:
    """Compare each split with itself and with each earlier one.

    Images that are listed in both are left out: they overlap as files.
    """
    leaks = []
    members = {
        split: [
            record
            for record in records
            if record.thumbnail is not None and split in record.sample.splits
        ]
        for split in splits
    }
    for number, split in enumerate(splits):
        _report_copies(members[split], findings)
        for earlier in splits[:number]:
            queries = [
                record
                for record in members[split]
                if earlier not in record.sample.splits
            ]
            pairs = _pairs(queries, members[earlier], threshold)
            leaks.append(Leak(split, earlier, len(members[split]), pairs))
            for record, match, correlation, identical in pairs:
                where = match.sample.where
                found = (
                    f'of {where}'
                    if identical
                    else f'{where}, {correlation:.4f}'
                )
                code = 'duplicate' if identical else 'near-duplicate'
                findings.add(code, record.sample.where, found)
    return leaks


def _report_copies(records: Sequence[Record], findings: Findings) -> None:
    """Identical images of one split."""
    seen: dict[str, Record] = {}
    for record in records:
        first = seen.setdefault(record.digest, record)
        if first is not record:
            detail = f'of {first.sample.where}'
            findings.add('duplicate-within', record.sample.where, detail)


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
            match = gallery[best]
            pairs.append(Pair(record, match, float(correlation), False))
    return sorted(pairs, key=lambda pair: -pair.correlation)
