"""What a user hands to the inferencer, turned into single frames."""

import glob
import os
from collections.abc import Iterable, Iterator
from itertools import count
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from fdep_mm.image import IMAGE_SUFFIXES, decode_image

VIDEO_SUFFIXES = ('.avi', '.mp4', '.mkv', '.mov', '.mpg', '.mpeg', '.webm')

InputsType = str | PathLike | np.ndarray | Iterable


class Frame(NamedTuple):
    """One image to be searched.

    Attributes:
        name (str): Its name in the outputs: unique in a run, without suffix,
            ``/`` between folders.
        source (str): Where it comes from, for messages and records.
        image (np.ndarray): (H, W) or (H, W, C) as decoded, BGR.
        index (int, optional): Number of the frame in its video.
        fps (float, optional): Frames per second of its video.
    """

    name: str
    source: str
    image: np.ndarray
    index: int | None = None
    fps: float | None = None


class Failure(NamedTuple):
    """An input that could not be read.

    Attributes:
        source (str): The input.
        message (str): What is wrong and what to do.
    """

    source: str
    message: str


class _Source(NamedTuple):
    """A file or array; an error in their place if there is none."""

    name: str
    source: str
    path: Path | None = None
    array: np.ndarray | None = None
    error: str | None = None

    @property
    def is_video(self) -> bool:
        return (
            self.path is not None
            and self.path.suffix.lower() in VIDEO_SUFFIXES
        )


class Inputs:
    """Frames of paths, arrays, folders, globs, videos, or several of them.

    A file that cannot be read gives a :class:`Failure` in its place. A folder
    is searched with its sub-folders for images, and names follow the folders;
    names that would be equal still get the file's suffix or a number.

    Args:
        inputs (InputsType): A path of an image, a video or a folder; a
            pattern with ``*``; an array (H, W) or (H, W, C), or (N, H, W, C),
            uint8 or uint16, BGR; a list of these, or an iterator, which is
            not read ahead.
        skip (str | PathLike, optional): Folder that is left out, such as the
            one for outputs.

    Raises:
        FileNotFoundError: A single path does not exist, or a pattern has no
            match.
        ValueError: A folder holds no image, or the list is empty.
        TypeError: `inputs` is none of these.
    """

    def __init__(
        self, inputs: InputsType, skip: str | PathLike | None = None
    ) -> None:
        self.skip = Path(skip).resolve() if skip else None
        if isinstance(inputs, (str, PathLike, np.ndarray)):
            self.sources = self._expand(inputs)
        elif isinstance(inputs, (list, tuple)):
            if not inputs:
                raise ValueError(
                    'inputs is an empty list: give at least one path or array'
                )
            self.sources = _rename(list(self._expand_all(inputs)))
        elif isinstance(inputs, Iterable):
            self.sources = self._expand_all(inputs)
        else:
            raise TypeError(
                f'inputs is {type(inputs).__name__}: give a path, an array, '
                'or a list or iterator of them'
            )

    def __iter__(self) -> Iterator[Frame | Failure]:
        """Read the frames one by one."""
        taken: set[str] = set()
        for source in self.sources:
            if source.error is not None:
                yield Failure(source.source, source.error)
                continue
            source = source._replace(name=_unique(source, taken))
            try:
                yield from _frames(source)
            except (OSError, ValueError) as error:
                yield Failure(source.source, str(error))

    def count(self) -> int | None:
        """Count the frames; None where an iterator does not tell."""
        if not isinstance(self.sources, list):
            return None
        return sum(
            _Video(s.path).length if s.is_video else 1 for s in self.sources
        )

    def _expand_all(self, inputs: Iterable) -> Iterator[_Source]:
        number = count()
        for item in inputs:
            try:
                found = self._expand(item)
            except (OSError, ValueError, TypeError) as error:
                found = [_Source('', _label(item), error=str(error))]
            for source in found:
                if source.array is not None:
                    name = f'{next(number):06d}'
                    source = source._replace(name=name, source=f'array {name}')
                yield source

    def _expand(self, item: str | PathLike | np.ndarray) -> list[_Source]:
        if isinstance(item, np.ndarray):
            frames = item if item.ndim == 4 else [item]
            return [
                _Source(f'{i:06d}', f'array {i:06d}', array=frame)
                for i, frame in enumerate(frames)
            ]
        if not isinstance(item, (str, PathLike)):
            raise TypeError(
                f'an input is {type(item).__name__}: give a path or an array'
            )
        path = Path(item)
        if path.is_dir():
            return self._list_folder(path)
        if path.exists():
            return [_Source(path.stem, str(path), path)]
        if glob.has_magic(str(item)):
            return self._glob(str(item))
        raise FileNotFoundError(f'{item}: no such file or folder')

    def _list_folder(self, folder: Path) -> list[_Source]:
        files = sorted(p for p in folder.rglob('*') if self._is_image(p))
        if not files:
            raise ValueError(
                f'{folder}: the folder holds no image '
                f'({", ".join(IMAGE_SUFFIXES)})'
            )
        return [
            _Source(
                p.relative_to(folder).with_suffix('').as_posix(), str(p), p
            )
            for p in files
        ]

    def _glob(self, pattern: str) -> list[_Source]:
        found = sorted(map(Path, glob.glob(pattern, recursive=True)))
        files = [p for p in found if p.is_file() and not self._skipped(p)]
        if not files:
            raise FileNotFoundError(f'{pattern}: no file matches the pattern')
        return _rename([_Source(p.stem, str(p), p) for p in files])

    def _is_image(self, path: Path) -> bool:
        return (
            path.suffix.lower() in IMAGE_SUFFIXES
            and path.is_file()
            and not self._skipped(path)
        )

    def _skipped(self, path: Path) -> bool:
        return self.skip is not None and self.skip in path.resolve().parents


def _label(item: object) -> str:
    if isinstance(item, (str, PathLike)):
        return str(item)
    return type(item).__name__


def _rename(sources: list[_Source]) -> list[_Source]:
    """Name files by their path below the folder they have in common."""
    folders = {s.path.resolve().parent for s in sources if s.path}
    if len(folders) < 2:
        return sources
    try:
        root = os.path.commonpath(folders)
    except ValueError:  # several drives
        return sources
    return [
        s._replace(
            name=s.path.resolve().relative_to(root).with_suffix('').as_posix()
        )
        if s.path
        else s
        for s in sources
    ]


def _unique(source: _Source, taken: set[str]) -> str:
    """A name not taken yet, where case does not count, and take it."""
    # "...mp4" has the stem "..", which as a folder would lead out of the
    # outputs'
    parts = source.name.split('/')
    name = '/'.join('_' if part in ('.', '..') else part for part in parts)
    if name.casefold() in taken and source.path is not None:
        name += source.path.suffix
    base = name
    for number in count(2):
        if name.casefold() not in taken:
            break
        name = f'{base}-{number}'
    taken.add(name.casefold())
    return name


def _frames(source: _Source) -> Iterator[Frame]:
    if source.is_video:
        yield from _Video(source.path).frames(source)
    elif source.path is not None:
        content = source.path.read_bytes()
        image = _check_array(
            decode_image(content, source.source), source.source
        )
        del content  # large frames: only one copy while it is searched
        yield Frame(source.name, source.source, image)
    else:
        image = _check_array(source.array, source.source)
        yield Frame(source.name, source.source, image)


def _check_array(array: np.ndarray, name: str) -> np.ndarray:
    if array.ndim == 3 and array.shape[-1] == 1:
        array = array[..., 0]
    colour = array.ndim == 3 and array.shape[-1] in (3, 4)
    if not array.size or not (array.ndim == 2 or colour):
        raise ValueError(
            f'{name}: shape {array.shape}, expected (H, W), (H, W, 3) or '
            '(H, W, 4); pass several images as a list'
        )
    if array.dtype not in (np.uint8, np.uint16):
        raise ValueError(
            f'{name}: pixels are {array.dtype}, expected uint8 or uint16; '
            'scale and convert them'
        )
    return array


class _Video:
    """A video file, read frame by frame."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.capture = cv2.VideoCapture(str(path))
        # An estimate in some formats, and negative in broken files.
        self.length = max(0, int(self.capture.get(cv2.CAP_PROP_FRAME_COUNT)))

    def frames(self, source: _Source) -> Iterator[Frame]:
        fps = self.capture.get(cv2.CAP_PROP_FPS) or 25.0
        index = 0
        while True:
            found, image = self.capture.read()
            if not found:
                break
            name = f'{source.name}/{index:06d}'
            yield Frame(name, source.source, image, index, fps)
            index += 1
        self.capture.release()
        if index == 0:
            raise ValueError(
                f'{self.path}: not a readable video, the file is damaged or '
                'of another type'
            )
        if index < self.length:
            raise ValueError(
                f'{self.path}: breaks off after {index} of the '
                f'{self.length} frames that its header names; the frames '
                'before are in the results'
            )
