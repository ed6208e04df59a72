"""What a user hands to the inferencer, turned into single frames."""

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from fdep_mm.core.image import MAX_PIXELS, decode_pages
from fdep_mm.core.suffixes import (
    IMAGE_SUFFIXES,
    TIFF_SUFFIXES,
    VIDEO_SUFFIXES,
    is_image,
)

from .names import Names
from .video import count_frames, read_video

InputsType = str | PathLike | np.ndarray | Iterable


class Frame(NamedTuple):
    """One image to be searched.

    Attributes:
        name (str): Its name in the outputs: unique in a run, without suffix,
            ``/`` between folders.
        image (np.ndarray): (H, W) or (H, W, C) as decoded, BGR.
    """

    name: str
    source: str
    image: np.ndarray
    index: int | None = None
    fps: float | None = None


class Failure(NamedTuple):
    """An input that could not be read or searched.

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
    def suffix(self) -> str:
        """In lower case; '' of an array."""
        return '' if self.path is None else self.path.suffix.lower()

    @property
    def is_video(self) -> bool:
        return self.suffix in VIDEO_SUFFIXES

    @property
    def length(self) -> int:
        """Number of frames, as far as the file tells."""
        if self.is_video:
            return count_frames(self.path)
        if self.suffix in TIFF_SUFFIXES:
            return max(1, cv2.imcount(str(self.path)))
        return 1


class Inputs:
    """Frames of paths, arrays, folders, globs, videos, or several of them.

    A file that cannot be read gives a :class:`Failure` in its place. A folder
    is searched with its sub-folders for images, and names follow the folders;
    names that would be equal still get the file's suffix or a number. Each
    page of a TIFF file is a frame, but for previews: see
    :func:`fdep_mm.core.image.decode_pages`. Videos are read as
    :func:`.video.read_video` says, in 8 bits.

    Args:
        inputs (InputsType): A path of an image, a video or a folder; a
            pattern with ``*``; an array (H, W) or (H, W, C), or (N, H, W, C),
            uint8 or uint16, BGR; a list of these, or an iterator, which is
            not read ahead.
        max_value (float, optional): Value of a pixel that is white, None for
            the largest of the file's type. A video cannot reach one above
            255 and is not read then.

    Raises:
        FileNotFoundError: A single path does not exist, or a pattern has no
            match.
        ValueError: A folder holds no image, or the list is empty.
        TypeError: `inputs` is none of these.
    """

    def __init__(
        self,
        inputs: InputsType,
        skip: Sequence[Path] = (),
        max_value: float | None = None,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        self.max_pixels = max_pixels
        self.skip = {folder.resolve() for folder in skip}
        self.max_value = max_value
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
        names = Names()
        for source in self.sources:
            if source.error is not None:
                yield Failure(source.source, source.error)
                continue
            suffix = '' if source.path is None else source.path.suffix
            several = source.is_video or source.suffix in TIFF_SUFFIXES
            name = names.take(source.name, suffix, several)
            source = source._replace(name=name)
            try:
                if source.is_video:
                    yield from _video_frames(source, self.max_value)
                else:
                    yield from _images(source, self.max_pixels)
            except (OSError, ValueError) as error:
                yield Failure(source.source, str(error))

    def count(self) -> int | None:
        """Count the frames; None where an iterator does not tell."""
        if not isinstance(self.sources, list):
            return None
        return sum(source.length for source in self.sources)

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
        found = sorted(p for p in folder.rglob('*') if _is_image(p))
        files = [p for p in found if not self._skipped(p)]
        if not files:
            hint = ' but earlier results; choose another out_dir'
            raise ValueError(
                f'{folder}: the folder holds no image '
                f'({", ".join(IMAGE_SUFFIXES)}){hint if found else ""}'
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

    def _skipped(self, path: Path) -> bool:
        return not self.skip.isdisjoint(path.resolve().parents)


def _is_image(path: Path) -> bool:
    return is_image(path.name) and path.is_file()


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


def _video_frames(source: _Source, max_value: float | None) -> Iterator[Frame]:
    if max_value is not None and max_value > 255:
        raise ValueError(
            f'{source.source}: frames of videos have 8 bits, and the network '
            f'wants values up to {max_value:g} (max_value of its loader); '
            'give the frames as 16-bit images'
        )
    for index, (image, fps) in enumerate(read_video(source.path)):
        name = f'{source.name}/{index:06d}'
        yield Frame(name, source.source, image, index, fps)


def _images(source: _Source, max_pixels: int) -> Iterator[Frame]:
    if source.path is None:
        image = _check_array(source.array, source.source)
        yield Frame(source.name, source.source, image)
        return
    content = source.path.read_bytes()
    pages = decode_pages(content, source.source, max_pixels)
    number = len(pages)
    for index in range(number):
        name, where = source.name, source.source
        if number > 1:
            name, where = f'{name}/{index:06d}', f'{where}#{index}'
        # large frames: only one copy while it is searched
        yield Frame(name, where, _check_array(pages.pop(0), where))


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
