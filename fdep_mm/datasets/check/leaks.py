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
    """Images of a split with their best look-alikes, by correlation."""

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
    readable = [r for r in records if r.thumbnail is not None]
    members = {
        split: [r for r in readable if split in r.sample.splits]
        for split in splits
    }
    for number, split in enumerate(splits):
        _report_copies(members[split], findings)
        for earlier in splits[:number]:
            own = members[split]
            queries = [r for r in own if earlier not in r.sample.splits]
            pairs = find_pairs(queries, members[earlier], threshold)
            leaks.append(Leak(split, earlier, len(own), pairs))
            for record, match, correlation, identical in pairs:
                code, where = 'near-duplicate', match.sample.where
                detail = f'{where}, {correlation:.4f}'
                if identical:
                    code, detail = 'duplicate', f'of {where}'
                findings.add(code, record.sample.where, detail)
    return leaks


def _report_copies(records: Sequence[Record], findings: Findings) -> None:
    """Identical images of one split."""
    seen: dict[str, Record] = {}
    for record in records:
        first = seen.setdefault(record.digest, record)
        if first is not record:
            detail = f'of {first.sample.where}'
            findings.add('duplicate-within', record.sample.where, detail)


def find_pairs(
    queries: list[Record], gallery: list[Record], threshold: float
) -> list[Pair]:
    """Queries with a look-alike in the gallery, the most similar first."""
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
