"""What a user hands to the inferencer, as files, arrays and addresses."""

import glob
import os
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import count
from os import PathLike
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import cv2
import numpy as np

from fdep_mm.core.suffixes import (
    IMAGE_SUFFIXES,
    TIFF_SUFFIXES,
    VIDEO_SUFFIXES,
    is_hidden,
)

from .outputs import LOCK, own_paths
from .video import count_frames, cv2_name

InputsType = str | int | PathLike | np.ndarray | Iterable
STDIN = '-'


class Source(NamedTuple):
    """A file, an array or a live source of frames, or why it is none."""

    name: str
    source: str
    path: Path | None = None
    array: np.ndarray | None = None
    live: str | int | None = None  # address, number of a camera, '-'
    error: str | None = None

    @property
    def suffix(self) -> str:
        """In lower case; '' of an array."""
        return '' if self.path is None else self.path.suffix.lower()

    @property
    def is_video(self) -> bool:
        """Whether frames come one after the other."""
        return self.live is not None or self.suffix in VIDEO_SUFFIXES

    @property
    def is_sequence(self) -> bool:
        """Whether there may be several frames."""
        return self.is_video or self.suffix in TIFF_SUFFIXES

    def count(self) -> int | None:
        """Number of frames by the header; None without an end."""
        if self.live is not None:
            return None
        if self.is_video:
            return count_frames(self.path)
        if self.suffix in TIFF_SUFFIXES:
            with suppress(ValueError):
                return max(1, cv2.imcount(cv2_name(self.path)))
        return 1


def find_sources(
    inputs: InputsType, skip: Sequence[Path]
) -> list[Source] | Iterator[Source]:
    """List what is to be read; see :class:`.Inputs`."""
    skip = {path.resolve() for path in skip}
    if isinstance(inputs, (str, PathLike, np.ndarray, int)):
        return _expand(inputs, skip)
    if isinstance(inputs, (list, tuple)):
        if not inputs:
            raise ValueError('inputs is an empty list: give a path or array')
        return _rename(list(_expand_all(inputs, skip)))
    if isinstance(inputs, Iterable):
        return _expand_all(inputs, skip)
    raise TypeError(
        f'inputs is {type(inputs).__name__}: give a path, an array, a camera '
        'number, or a list or iterator of them'
    )


def _expand_all(inputs: Iterable, skip: set[Path]) -> Iterator[Source]:
    number = count()
    for item in inputs:
        try:
            found = _expand(item, skip)
        except (OSError, ValueError, TypeError) as error:
            plain = isinstance(item, (str, PathLike))
            label = str(item) if plain else type(item).__name__
            found = [Source('', label, error=str(error))]
        for source in found:
            if source.array is not None:
                name = f'{next(number):06d}'
                source = source._replace(name=name, source=f'array {name}')
            yield source


def _expand(item: InputsType, skip: set[Path]) -> list[Source]:
    if isinstance(item, np.ndarray):
        frames = item if item.ndim == 4 else [item]
        return [
            Source(f'{i:06d}', f'array {i:06d}', array=frame)
            for i, frame in enumerate(frames)
        ]
    if isinstance(item, int) and item >= 0:
        return [Source(f'camera{item}', f'camera {item}', live=item)]
    if not isinstance(item, (str, PathLike)):
        raise TypeError(
            f'an input is {type(item).__name__}: give a path or an array'
        )
    text, path = str(item), Path(item)
    if path.is_dir():
        return _list_folder(path, skip)
    if path.exists():
        return [Source(path.stem, text, path)]
    if text == STDIN:
        return [Source('stdin', 'standard input', live=STDIN)]
    if text.isdecimal():
        return _expand(int(text), skip)
    if re.match(r'\w+://', text):
        url = urlsplit(text)  # passwords stay out of the results
        label = f'{url.scheme}://{url.netloc.rpartition("@")[2]}{url.path}'
        return [Source(url.hostname or 'stream', label, live=text)]
    if glob.has_magic(text):
        return _glob(text, skip)
    raise FileNotFoundError(f'{item}: no such file or folder')


def _list_folder(folder: Path, skip: set[Path]) -> list[Source]:
    suffixes = (*IMAGE_SUFFIXES, *VIDEO_SUFFIXES)
    found = sorted(_files_below(folder))
    found = [
        path
        for path in found
        if path.is_file() and not is_hidden(path.relative_to(folder))
    ]
    runs = (path.parent for path in found if path.name == LOCK)
    results = skip | {own.resolve() for run in runs for own in own_paths(run)}
    images = [p for p in found if p.name.lower().endswith(suffixes)]
    files = [path for path in images if _is_wanted(path, results)]
    if not files:
        hint = ' but earlier results; choose another out_dir'
        raise ValueError(
            f'{folder}: the folder holds no image or video '
            f'({", ".join(suffixes)}){hint if images else ""}'
        )
    others = [p for p in sorted({*found} - {*files}) if _is_wanted(p, skip)]
    if others:
        warnings.warn(
            f'{folder}: {len(others)} files are neither images nor videos, or '
            'results of earlier runs, and are skipped, such as '
            f'{others[0].relative_to(folder).as_posix()}',
            stacklevel=2,
        )
    return [Source(_name_below(p, folder), str(p), p) for p in files]


def _files_below(folder: Path) -> Iterator[Path]:
    """Files of a folder, its sub-folders, and then of those behind links."""
    todo, seen = [folder], set()
    while todo:
        for parent, folders, files in os.walk(todo.pop(0)):
            if (place := os.path.realpath(parent)) in seen:
                folders.clear()
                continue
            seen.add(place)
            folders.sort()  # of two links to a folder the first one counts
            below = [Path(parent, name) for name in folders]
            todo += [path for path in below if path.is_symlink()]
            yield from (Path(parent, name) for name in files)


def _glob(pattern: str, skip: set[Path]) -> list[Source]:
    found = sorted(map(Path, glob.glob(pattern, recursive=True)))
    files = [p for p in found if p.is_file() and _is_wanted(p, skip)]
    if not files:
        raise FileNotFoundError(f'{pattern}: no file matches the pattern')
    return _rename([Source(p.stem, str(p), p) for p in files])


def _is_wanted(path: Path, skip: set[Path]) -> bool:
    path = path.resolve()
    return skip.isdisjoint([path, *path.parents])


def _rename(sources: list[Source]) -> list[Source]:
    """Name files by their path below the folder they have in common."""
    folders = {s.path.resolve().parent for s in sources if s.path}
    if len(folders) < 2:
        return sources
    try:
        root = os.path.commonpath(folders)
    except ValueError:  # several drives
        return sources
    return [
        s._replace(name=_name_below(s.path.resolve(), root)) if s.path else s
        for s in sources
    ]


def _name_below(path: Path, folder: str | Path) -> str:
    return path.relative_to(folder).with_suffix('').as_posix()
