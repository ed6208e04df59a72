"""Splits without look-alikes across them."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fdep_mm.core.choices import check_choice

from .checker import Report
from .duplicates import similar_groups
from .inspection import Record
from .leaks import find_pairs

MODES = ('drop-later', 'drop-earlier', 'move')


class NewSplits(NamedTuple):
    """A leak-free division of the images."""

    members: dict[str, list[Record]]
    dropped: list[Record]
    moved: int
    broken: list[Record]


def make_splits(
    report: Report,
    mode: str = 'drop-later',
    test_fraction: float = 0.3,
    seed: int = 0,
) -> NewSplits:
    """Divide the images so that no two splits share a look-alike.

    Args:
        mode (str): 'drop-later' takes look-alikes out of the later split (of
            the test split: trained networks stay comparable), 'drop-earlier'
            out of the earlier one, 'move' puts each group of look-alikes into
            the split that has most of it.
        test_fraction (float): A data set without splits is divided into train
            and test, with about this fraction for the test.
        seed (int): Of that division.

    Raises:
        ValueError: The mode or the fraction is invalid, a split would be
            empty, or two folders of images have one data set's name.
    """
    check_choice('mode', mode, MODES)
    names = [layout.name for layout in report.layouts]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        text = 'lie in several folders; put them into one'
        raise ValueError(f'the images of {twice[0]} {text}')
    usable = report.usable()
    broken = _without(report.records, usable)
    if not usable:
        raise ValueError('no usable image is left for a new split')
    if len(report.splits) == 1:
        new = _divide(usable, report.threshold, test_fraction, seed)
    elif mode == 'move':
        new = _move(usable, report.splits, report.threshold)
    else:
        later = mode == 'drop-later'
        new = _drop(usable, report.splits, later, report.threshold)
    empty = [split for split, records in new.items() if not records]
    if empty:
        raise ValueError(
            f'no image would be left in {", ".join(empty)}; choose another '
            f'mode of {MODES} or a higher threshold'
        )
    placed = [(split, r) for split, own in new.items() for r in own]
    dropped = _without(usable, [record for _, record in placed])
    moved = sum(
        split not in record.sample.splits
        for split, record in placed
        if len(report.splits) > 1  # else all images get their first split
    )
    return NewSplits(new, dropped, moved, broken)


def write_splits(
    folder: Path, members: Mapping[str, Sequence[Record]]
) -> list[Path]:
    """Write ``{split}_{data set}.txt`` each, one id per line.

    Raises:
        FileExistsError: One of them exists; none is then written.
    """
    texts: dict[Path, list[str]] = {}
    for split, records in members.items():
        for record in records:
            name = f'{split}_{record.sample.dataset}.txt'
            texts.setdefault(folder / name, []).append(record.sample.image_id)
    for path in texts:
        if path.exists():
            raise FileExistsError(f'{path} exists; name another folder')
    folder.mkdir(parents=True, exist_ok=True)
    for path, ids in texts.items():
        path.write_text('\n'.join([*ids, '']), encoding='utf-8')
    return list(texts)


def _drop(
    records: list[Record], splits: list[str], later: bool, threshold: float
) -> dict[str, list[Record]]:
    """Fill the splits in turn; each leaves out what the filled ones have."""
    new: dict[str, list[Record]] = dict.fromkeys(splits, [])
    taken: list[Record] = []
    for split in splits if later else reversed(splits):
        own = [r for r in records if split in r.sample.splits]
        pairs = find_pairs(own, taken, threshold)
        new[split] = _without(own, [pair.record for pair in pairs])
        taken += new[split]
    return new


def _move(
    records: list[Record], splits: Sequence[str], threshold: float
) -> dict[str, list[Record]]:
    groups = _groups(records, threshold)
    votes: dict[int, Counter] = {}
    for group, record in zip(groups, records, strict=True):
        votes.setdefault(group, Counter()).update(record.sample.splits)
    new: dict[str, list[Record]] = {split: [] for split in splits}
    for group, record in zip(groups, records, strict=True):
        # the first of equals is the earlier split
        new[max(splits, key=votes[group].__getitem__)].append(record)
    return new


def _divide(
    records: list[Record], threshold: float, fraction: float, seed: int
) -> dict[str, list[Record]]:
    if not 0 < fraction < 1:
        raise ValueError(f'test_fraction={fraction}: give one within 0..1')
    groups = _groups(records, threshold)
    sizes = Counter(groups)
    order = sorted(sizes)
    random.Random(seed).shuffle(order)
    chosen, room = set(), fraction * len(records)
    for group in order:
        if sizes[group] <= room + 0.5:  # nearest whole number of images
            chosen.add(group)
            room -= sizes[group]
    new: dict[str, list[Record]] = dict(train=[], test=[])
    for group, record in zip(groups, records, strict=True):
        new['test' if group in chosen else 'train'].append(record)
    return new


def _without(every: list[Record], some: list[Record]) -> list[Record]:
    known = set(map(id, some))
    return [record for record in every if id(record) not in known]


def _groups(records: list[Record], threshold: float) -> list[int]:
    """Groups of look-alikes; images of one value are alike if equal."""
    thumbnails = np.stack([record.thumbnail for record in records])
    groups = similar_groups(thumbnails, threshold).tolist()
    first: dict[str, int] = {}
    return [
        group
        if record.thumbnail.any()
        else first.setdefault(record.digest, group)
        for group, record in zip(groups, records, strict=True)
    ]
