"""Video files, frame by frame, as OpenCV decodes them."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np


def count_frames(path: Path) -> int:
    """Count the frames of a video by its header.

    Returns:
        int: An estimate in some formats; 0 of a stream without an index or a
        file that cannot be opened.
    """
    with _open(path) as capture:
        return _length(path, capture)


def read_video(path: Path) -> Iterator[tuple[np.ndarray, float]]:
    """Read a video.

    OpenCV decodes to 8 bits, whatever is in the file.

    A video that ends more than a second, or a tenth of its length, before its
    header says is reported as damaged. Streams without an index tell no
    length: where they break off is taken for their end.

    Yields:
        tuple[np.ndarray, float]: A frame (H, W, 3) uint8 BGR, and frames per
        second.

    Raises:
        ValueError: No frame can be read, or, after the last one that can,
            many are missing.
    """
    with _open(path) as capture:
        fps = _fps(capture)
        expected = _length(path, capture)
        number = 0
        while (read := capture.read())[0]:
            yield read[1], fps
            number += 1
    if not number:
        raise ValueError(
            f'{path}: not a readable video, the file is damaged or of '
            'another type'
        )
    if expected - number > min(fps, expected / 10):
        raise ValueError(
            f'{path}: {number} of about {expected} frames could be read, the '
            'file is damaged or breaks off; those are in the results'
        )


@contextmanager
def _open(path: Path) -> Iterator[cv2.VideoCapture]:
    capture = cv2.VideoCapture(str(path))
    try:
        yield capture
    finally:
        capture.release()


def _fps(capture: cv2.VideoCapture) -> float:
    return capture.get(cv2.CAP_PROP_FPS) or 25.0


def _length(path: Path, capture: cv2.VideoCapture) -> int:
    # negative in broken files
    length = max(0, int(capture.get(cv2.CAP_PROP_FRAME_COUNT)))
    if length and path.suffix.lower() in ('.mp4', '.mov'):
        # Cameras trim by an edit list, and leave all frames in the file.
        seconds = _playing_time(path)
        if seconds is not None and seconds * _fps(capture) < length - 2:
            length = round(seconds * _fps(capture))  # else it is rounded
    return length


def _playing_time(path: Path) -> float | None:
    """Seconds that the movie header ('mvhd') of an MP4 or MOV names."""
    with path.open('rb') as file:
        while len(head := file.read(8)) == 8:
            size, kind = struct.unpack('>I4s', head)
            if kind == b'mvhd':
                return _duration(file.read(32))
            if kind == b'moov':  # which holds it
                continue
            rest = size - 8
            if size == 1:
                rest = int.from_bytes(file.read(8), 'big') - 16
            if rest < 0:
                break
            file.seek(rest, 1)
    return None


def _duration(header: bytes) -> float | None:
    """Version, flags, two times, units per second, units."""
    layout = '>4x16xIQ' if header[:1] == b'\1' else '>4x8xII'
    if len(header) < struct.calcsize(layout):
        return None
    scale, duration = struct.unpack_from(layout, header)
    return duration / scale if scale and duration else None
