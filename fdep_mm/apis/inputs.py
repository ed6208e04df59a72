"""What a user hands to the inferencer, turned into single frames."""

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fdep_mm.core.choices import check_choice
from fdep_mm.core.gray import (
    GrayRange,
    Limits,
    NotFiniteError,
    check_gray_range,
    gray_limits,
    warn_again,
)
from fdep_mm.core.image import MAX_PIXELS, check_pixels, decode_pages

from .names import Names
from .sources import STDIN, InputsType, Source, find_sources
from .video import Read, read_ahead, read_raw, read_stream, read_video

SCHEMES = ('rtsp', 'rtsps', 'rtp', 'rtmp', 'udp', 'srt', 'http', 'https')


class Frame(NamedTuple):
    """One image to be searched."""

    name: str  # unique in a run, without suffix, ``/`` between folders
    source: str
    image: np.ndarray  # (H, W) or (H, W, C) as decoded, BGR
    limits: Limits = (0, 255)  # values that become black and white
    index: int | None = None
    fps: float | None = None


class Failure(NamedTuple):
    """An input that could not be read or searched, and what to do."""

    source: str
    message: str


@dataclass
class Reading:
    """How inputs are read; ValueError for what is out of range.

    Args:
        gray_range (GrayRange, optional): What becomes black and white, see
            :mod:`fdep_mm.core.gray`. Default: the network's own.
        gray_range_from (str): 'frame': 'minmax' and 'percentile' are those of
            each frame; 'first': of the first one that is not flat, of each
            video, stack or stream, or of all single images.
        max_pixels (int): Larger images and frames are failures.
        allow_network (bool): Open addresses, such as ``rtsp://camera``.
        raw (str, optional): Format of frames on the standard input, such as
            '640x512xuint16': width, height, 'uint8', 'uint16' (little-endian)
            or 'float32'.
        on_late (str): Whether frames of cameras, addresses and the standard
            input that come faster than they are searched 'wait' or are left
            out ('drop').
    """

    gray_range: GrayRange | None = None
    gray_range_from: str = 'frame'
    max_pixels: int = MAX_PIXELS
    allow_network: bool = False
    raw: str | None = None
    on_late: str = 'wait'

    def __post_init__(self) -> None:
        if self.gray_range is not None:
            self.gray_range = check_gray_range(self.gray_range)
        if self.raw is not None:
            (height, width), _ = _raw_format(self.raw)
            check_pixels(height * width, f'raw={self.raw}', self.max_pixels)
        check_choice(
            'gray_range_from', self.gray_range_from, ('frame', 'first')
        )
        check_choice('on_late', self.on_late, ('wait', 'drop'))


class Inputs:
    """Frames of paths, arrays, folders, videos, cameras, or several of them.

    A file that cannot be read gives a :class:`Failure` in its place. A folder
    is searched with its sub-folders for images and videos, and names follow
    the folders; equal names get the file's suffix or a number. Each page of a
    TIFF file is a frame, but for those of another size than the first.

    Args:
        inputs (InputsType): A path of an image, a video or a folder; a
            pattern with ``*``; the number of a camera; an address; ``-`` for
            frames on the standard input; an array (H, W), (H, W, C) or
            (N, H, W, C), BGR; a list of these, or an iterator, which is not
            read ahead.
        skip (Sequence[Path]): Files and folders that are left out of folders.
        reading (Reading, optional): How.

    Attributes:
        dropped (int): Frames that came too late so far.

    Raises:
        FileNotFoundError: A single path does not exist, or a pattern has no
            match.
        ValueError: A folder holds nothing to read, or the list is empty.
        TypeError: `inputs` is none of these.
    """

    def __init__(
        self,
        inputs: InputsType,
        skip: Sequence[Path] = (),
        reading: Reading | None = None,
    ) -> None:
        self.reading = reading or Reading()
        self.gray_range = self.reading.gray_range or 'dtype'
        self.sources = find_sources(inputs, skip)
        self.dropped = 0
        if isinstance(self.sources, list) and len(self.sources) == 1:
            self._check_live(self.sources[0])
        self._first: dict[str, Limits] = {}
        warn_again()

    def __iter__(self) -> Iterator[Frame | Failure]:
        """Read the frames one by one."""
        names = Names()
        for source in self.sources:
            if source.error is not None:
                yield Failure(source.source, source.error)
                continue
            suffix = '' if source.path is None else source.path.suffix
            name = names.take(source.name, suffix, source.is_sequence)
            try:
                yield from self._frames(source._replace(name=name))
            except (OSError, ValueError) as error:
                yield Failure(source.source, str(error))

    def count(self) -> int | None:
        """Count the frames; None where that is not known."""
        if not isinstance(self.sources, list):
            return None
        counts = [source.count() for source in self.sources]
        return None if None in counts else sum(counts)

    def _frames(self, source: Source) -> Iterator[Frame | Failure]:
        """Read a source; a bad page or frame costs the others nothing."""
        read = self._video if source.is_video else self._images
        for frame in read(source):
            try:
                yield self._with_limits(source, frame)
            except NotFiniteError as error:  # others hold for all of it
                yield Failure(frame.source, str(error))
            del frame  # frees it before the next one is read

    def _with_limits(self, source: Source, frame: Frame) -> Frame:
        where = frame.source
        if frame.index is not None:
            where += f'#{frame.index}'
        image = _check_shape(frame.image, where)
        mode = self.gray_range
        if image.dtype == np.uint8 and len(mode) == 2 and mode[1] > 255:
            raise ValueError(
                f'{source.source}: has 8 bits, gray_range={mode} asks for more'
            )
        # those of pages and of videos are numbered
        key = '' if frame.name == source.name else source.source
        limits = gray_limits(image, self._first.get(key, mode), where)
        # frames of one value are of a closed shutter
        if self.reading.gray_range_from == 'first' and limits[0] < limits[1]:
            self._first[key] = limits
        return frame._replace(image=image, limits=limits)

    def _images(self, source: Source) -> Iterator[Frame]:
        if source.path is None:
            yield Frame(source.name, source.source, source.array)
            return
        content = source.path.read_bytes()
        pages = decode_pages(content, source.source, self.reading.max_pixels)
        name, where = source.name, source.source
        if len(pages) == 1:
            yield Frame(name, where, pages.pop())
        for index in range(len(pages)):
            # popped: one copy of a large frame while it is searched
            page = f'{name}/{index:06d}', f'{where}#{index}'
            yield Frame(*page, pages.pop(0))

    def _video(self, source: Source) -> Iterator[Frame]:
        live = source.live is not None
        limit = self.reading.max_pixels
        frames = self._open(source) if live else read_video(source.path, limit)
        numbered = ((i, *frame) for i, frame in enumerate(frames))
        drop = live and self.reading.on_late == 'drop'
        late = self._count_late if drop else None
        for index, image, fps in read_ahead(numbered, late):
            name = f'{source.name}/{index:06d}'
            yield Frame(name, source.source, image, index=index, fps=fps)

    def _count_late(self) -> None:
        self.dropped += 1

    def _open(self, source: Source) -> Iterator[Read]:
        self._check_live(source)
        if source.live == STDIN:
            # unbuffered: a buffer is locked while a thread reads
            file = open(sys.stdin.fileno(), 'rb', 0, closefd=False)
            return read_raw(file, *_raw_format(self.reading.raw))
        return read_stream(source.live, source.source, self.reading.max_pixels)

    def _check_live(self, source: Source) -> None:
        if source.live == STDIN and self.reading.raw is None:
            raise ValueError(
                'standard input: say what its frames are, such as '
                "raw='640x512xuint16' (--raw)"
            )
        if not isinstance(source.live, str) or source.live == STDIN:
            return
        scheme = source.live.partition(':')[0].lower()
        if scheme not in SCHEMES:
            raise ValueError(
                f'{source.source}: {scheme}:// is not read; '
                f'{", ".join(SCHEMES)} are'
            )
        if not self.reading.allow_network:
            raise ValueError(
                f'{source.source}: set allow_network=True (--allow-network) '
                'to open it'
            )


def _raw_format(text: str) -> tuple[tuple[int, int], str]:
    """Height, width and type of raw frames."""
    found = re.fullmatch(r'([1-9]\d*)x([1-9]\d*)x(uint8|uint16|float32)', text)
    if not found:
        raise ValueError(
            f'raw={text!r}: give WIDTHxHEIGHTxTYPE, such as 640x512xuint16; '
            'types are uint8, uint16 (little-endian) and float32'
        )
    width, height, dtype = found.groups()
    return (int(height), int(width)), dtype


def _check_shape(array: np.ndarray, name: str) -> np.ndarray:
    if array.ndim == 3 and array.shape[-1] == 1:
        array = array[..., 0]
    color = array.ndim == 3 and array.shape[-1] in (3, 4)
    if not array.size or not (array.ndim == 2 or color):
        raise ValueError(
            f'{name}: has shape {array.shape}; give (H, W), (H, W, 3) or '
            '(H, W, 4), several images as a list'
        )
    if array.dtype.kind not in 'uif':
        raise ValueError(
            f'{name}: pixels are {array.dtype}, expected integers or floats'
        )
    return array
