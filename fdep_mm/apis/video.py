"""Videos and streams, frame by frame.

PyAV reads files and addresses where it is installed (``pip install av``), with
all their bits; OpenCV otherwise, with 8. OpenCV reads cameras by their number,
with 16 bits if they send Y16, else with 8.
"""

import warnings
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from queue import Empty, Queue
from threading import Event, Thread
from typing import BinaryIO

import cv2
import numpy as np

from fdep_mm.core.image import MAX_PIXELS, check_pixels

try:
    import av
except ModuleNotFoundError:
    av = None

# A frame (H, W) or (H, W, 3), BGR, and frames per second, if known
Read = tuple[np.ndarray, float | None]
Counted = tuple[np.ndarray, float, float]  # and frames by the header, or 0
AHEAD = 4  # frames
SILENCE = 30.0  # after which an address has ended, s


def cv2_name(path: Path) -> str:
    """Name of a file for OpenCV, which crashes on what is not Unicode."""
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise ValueError(f'{path}: is not Unicode; rename it') from error
    return str(path)


def count_frames(path: Path) -> int:
    """Frames of a video by its header, in some formats an estimate.

    0 for streams without an index and unreadable files.
    """
    with suppress(ValueError, OSError, IndexError):  # the last: no pictures
        if av is not None:
            with av.open(path) as container:
                return _av_length(container.streams.video[0])
        with _open(cv2_name(path)) as capture:
            return _cv2_length(capture)
    return 0


def read_video(path: Path, max_pixels: int = MAX_PIXELS) -> Iterator[Read]:
    """Read a video.

    If it ends more than a second, or a tenth of its length, before its header
    says, it is reported as damaged. Two have no length to compare with:
    streams without an index, and, without PyAV, MP4 and MOV files, which
    cameras trim.

    Raises:
        ValueError: Its frames have more than `max_pixels`; none can be read;
            or, after the last one that can, many are missing.
    """
    source = path if av else cv2_name(path)
    number, length, short = yield from _read(source, str(path), max_pixels)
    if not number:
        raise ValueError(
            f'{path}: not a readable video, damaged or of another type'
        )
    if short:
        raise ValueError(
            f'{path}: {number} of about {length} frames could be read, the '
            'file is damaged or cut off'
        )
    if av and length - number > 2:
        warnings.warn(
            f'{path}: {length - number} of {length} frames could not be read; '
            'those after them have lower numbers than in the file',
            stacklevel=2,
        )


def read_stream(
    address: str | int, name: str, max_pixels: int = MAX_PIXELS
) -> Iterator[Read]:
    """Read a camera or address.

    Raises:
        ValueError: It gives no frame or one of more than `max_pixels`; or it
            ends, but for a file whose length is known.
    """
    number, length, short = yield from _read(address, name, max_pixels)
    if not number:
        raise ValueError(
            f'{name}: no frame came; is it connected, and not in use?'
        )
    if short or not length:
        raise ValueError(f'{name}: ended after {number} frames')


def read_raw(
    file: BinaryIO, shape: tuple[int, int], dtype: str
) -> Iterator[Read]:
    """Read little-endian frames of (height, width) from an unbuffered file.

    Raises:
        ValueError: It ends within a frame.
    """
    while True:
        image = np.empty(shape, np.dtype(dtype).newbyteorder('<'))
        rest = memoryview(image.reshape(-1).view(np.uint8))
        while rest and (got := file.readinto(rest)):
            rest = rest[got:]
        if len(rest) == image.nbytes:
            return
        if rest:
            raise ValueError(
                f'standard input: ends within a frame, {len(rest)} of '
                f'{image.nbytes} bytes are missing; correct --raw'
            )
        yield image, None


def read_ahead(
    items: Iterator, on_late: Callable[[], None] | None = None
) -> Iterator:
    """Read items in a thread while earlier ones are searched.

    Args:
        items (Iterator): A generator, which is closed at the end.
        on_late (Callable, optional): Called for each of the oldest items that
            is dropped because newer ones came. Default: newer ones wait.
    """
    ready: Queue = Queue(AHEAD)
    stop = Event()

    def put(item: object, error: Exception | None = None) -> None:
        if on_late and not error and ready.full():
            with suppress(Empty):  # it may have been taken just now
                ready.get_nowait()
                on_late()
        ready.put((item, error))

    def work() -> None:
        end: Exception = StopIteration()
        try:
            with closing(items):
                for item in items:
                    put(item)
                    if stop.is_set():
                        return
        except Exception as error:
            end = error
        put(None, end)

    thread = Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            item, error = ready.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield item
            del item  # only one copy of it
    finally:
        stop.set()
        with suppress(Empty):  # room for what the thread waits to put
            while True:
                ready.get_nowait()
        thread.join(1)  # a camera may never answer


@contextmanager
def _open(source: str | int) -> Iterator[cv2.VideoCapture]:
    capture = cv2.VideoCapture(source)
    try:
        deep = cv2.VideoWriter_fourcc(*'Y16 ')
        is_camera = isinstance(source, int)
        if is_camera and capture.get(cv2.CAP_PROP_FOURCC) == deep:
            capture.set(cv2.CAP_PROP_CONVERT_RGB, 0)  # else 8 bits
        yield capture
    finally:
        capture.release()


def _read(
    source: str | int | Path, name: str, max_pixels: int
) -> Generator[Read, None, tuple[int, float, bool]]:
    """Returns how many came, how many were expected, if many are missing."""
    by_cv2 = av is None or isinstance(source, int)
    read = _cv2_frames if by_cv2 else _av_frames
    number = length = fps = 0
    with closing(read(source, name, max_pixels)) as frames:
        for frame in frames:
            image, fps, length = frame
            yield image, fps
            number += 1
    trimmed = av is None and name.lower().endswith(('.mp4', '.mov'))
    short = not trimmed and length - number > min(fps, length / 10)
    return number, length, short


def _cv2_frames(
    source: str | int, name: str, max_pixels: int
) -> Iterator[Counted]:
    with _open(source) as capture:
        sides = (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
        width, height = (int(capture.get(side)) for side in sides)
        check_pixels(width * height, name, max_pixels)
        fps, length = capture.get(cv2.CAP_PROP_FPS), _cv2_length(capture)
        fps = fps if fps > 0 else 25.0  # some cameras give -1
        # the last byte of FFmpeg's tags of deep formats
        bits = int(capture.get(cv2.CAP_PROP_CODEC_PIXEL_FORMAT)) >> 24 & 255
        if 8 < bits <= 16:
            warnings.warn(
                f'{name}: OpenCV reads 8 of its {bits} bits; for all of '
                'them: pip install av',
                stacklevel=2,
            )
        while (read := capture.read())[0]:
            yield read[1], fps, length


def _cv2_length(capture: cv2.VideoCapture) -> int:
    """0 if unknown; OpenCV gives negative numbers."""
    return max(0, int(capture.get(cv2.CAP_PROP_FRAME_COUNT)))


def _av_frames(
    source: str | Path, name: str, max_pixels: int
) -> Iterator[Counted]:
    is_address = isinstance(source, str)
    timeout = SILENCE if is_address else None
    with (
        suppress(av.FFmpegError),
        av.open(source, timeout=timeout) as container,
    ):
        if not container.streams.video:
            raise ValueError(f'{name}: holds no pictures, only sound')
        stream = container.streams.video[0]
        check_pixels(stream.width * stream.height, name, max_pixels)
        stream.thread_type = 'AUTO'
        fps = float(stream.average_rate or 25)
        length = _av_length(stream)
        if is_address and not length and container.duration:
            length = 1  # a file; how many frames it has is not known
        for frame in container.decode(stream):
            parts = frame.format.components
            deep = max(part.bits for part in parts) > 8
            kind = 'gray' if len(parts) == 1 else 'bgr'
            names = dict(gray='gray16le', bgr='bgr48le') if deep else {}
            image = frame.to_ndarray(format=names.get(kind, 'bgr24'))
            yield image, fps, length


def _av_length(stream: 'av.video.stream.VideoStream') -> int:
    """Length by the edit list, with which cameras trim MP4 files."""
    trimmed = 'mp4' in stream.container.format.name
    if not (trimmed and stream.duration and stream.average_rate):
        return stream.frames
    return round(stream.duration * stream.time_base * stream.average_rate)
