"""Reading image files, without torch and MMEngine.

NumPy and OpenCV, and Pillow for other files than PNG and TIFF.
"""

import io
import math
import re
import struct
import warnings
from os import PathLike

import cv2
import numpy as np

from .text import one_line
from .whole import write_whole

# byte order and version, the second pair of BigTIFF
TIFF_STARTS = (b'II*\0', b'MM\0*', b'II+\0', b'MM\0+')

MAX_PIXELS = 2**28


class UnreadableFileError(ValueError):
    """A file of a data set is missing, damaged or of another type."""


def unreadable(path: str, kind: str, error: Exception) -> UnreadableFileError:
    """Say why a file of a data set cannot be read."""
    problem = f'not a readable {kind}, damaged or of another type'
    # Pillow's own errors have no number
    if isinstance(error, OSError) and error.errno is not None:
        problem = f'the {kind} cannot be read ({error.strerror})'
    elif type(error).__name__ == 'DecompressionBombError':  # Pillow's
        problem = f'the {kind} is too large. {str(error).rstrip(".")}'
    return UnreadableFileError(f'{one_line(path)}: {problem}. Replace it')


def decode_pages(
    content: bytes, name: str, max_pixels: int = MAX_PIXELS
) -> list[np.ndarray]:
    """Decode an image file: (H, W) or (H, W, C) as stored; color is BGR.

    A TIFF file may hold several pages. Those of another size than the first
    are left out, with a warning where they are no previews of half its sides
    or less; of other formats the first image is taken. Of an image whose
    header names more than ``max_pixels``, nothing is decoded: a small file may
    fill the memory.

    Raises:
        UnreadableFileError: It is too large or cannot be decoded, or not all
            of its pages can.
    """
    name = one_line(name)
    pixels = header_pixels(content)
    check_pixels(pixels, name, max_pixels)
    buffer = np.frombuffer(content, np.uint8)
    pages, number = [], 1
    try:
        if content.startswith(TIFF_STARTS):
            pages = cv2.imdecodemulti(buffer, cv2.IMREAD_UNCHANGED)[1]
            number = count_pages(content)
        elif pixels:  # else OpenCV may know it, whose limit is 2^30
            pages = [cv2.imdecode(buffer, cv2.IMREAD_UNCHANGED)]
    except cv2.error:
        pass
    if not pages or pages[0] is None:
        raise UnreadableFileError(
            f'{name}: not a readable image, damaged or of another type. '
            'Replace it'
        )
    if len(pages) < number:
        raise UnreadableFileError(
            f'{name}: page {len(pages) + 1} is damaged or cut off. Replace '
            'the file'
        )
    size = height, width = pages[0].shape[:2]
    others = [page.shape for page in pages if page.shape[:2] != size]
    if any(2 * h > height + 1 or 2 * w > width + 1 for h, w, *_ in others):
        warnings.warn(
            f'{name}: {len(others)} of {len(pages)} pages have another size '
            f'than the first ({width}x{height} px) and are left out; store '
            'one file each',
            stacklevel=2,
        )
    return [page for page in pages if page.shape[:2] == size]


def check_pixels(pixels: int, name: str, max_pixels: int) -> None:
    """Refuse, before decoding, what would fill the memory."""
    if pixels > max_pixels:
        raise UnreadableFileError(
            f'{name}: too large, {pixels} pixels; raise max_pixels='
            f'{max_pixels} (--max-pixels), or cut it into parts'
        )


def header_pixels(content: bytes) -> int:
    """Pixels of the largest image in a file; 0 of a damaged or odd one."""
    if content.startswith(TIFF_STARTS):  # Pillow knows only some kinds
        return max(tiff_pages(content), default=0)
    if content.startswith(b'\x89PNG') and len(content) > 24:  # nor all PNG
        return math.prod(struct.unpack_from('>II', content, 16))
    from PIL import Image  # not at the top: see above

    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            with Image.open(io.BytesIO(content)) as image:
                return image.width * image.height
    except Image.DecompressionBombError as error:  # its own limit is lower
        return int(re.search(r'\d+', str(error))[0])
    except Exception:
        return 0


def write_png(path: str | PathLike, pixels: np.ndarray) -> None:
    """Write an image, color as BGR, as a whole or not at all.

    Raises:
        OSError: It cannot be written, and why, which OpenCV does not say.
    """
    content = cv2.imencode('.png', pixels)[1].tobytes()
    write_whole(path, content, 'run again', flush=False)


def image_shape(path: str | PathLike) -> tuple[int, int]:
    """Height and width of an image file, px, without decoding it."""
    from PIL import Image  # not at the top: see above

    try:
        with Image.open(path) as image:
            return image.height, image.width
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise unreadable(str(path), 'image', error) from error


def count_pages(content: bytes) -> int:
    """Pages that a TIFF file names, cut off or not; at least 1."""
    return max(1, len(tiff_pages(content)))


def tiff_pages(content: bytes) -> list[int]:
    """Pixels of the pages that a TIFF file names; 0 where one is cut off.

    TIFF 6.0, section 2: each directory ends with the place of the next one;
    an impossible place, as old programs leave behind, is the end. (Pillow 13
    misreads BigTIFF of the other byte order; tifffile passes over pages that
    were cut off.)
    """
    order = '<' if content.startswith(b'II') else '>'
    big = content[2:4] in (b'+\0', b'\0+')
    word, count, entry = ('Q', 'Q', 20) if big else ('I', 'H', 12)
    at, pages = 8 if big else 4, {}
    try:
        while True:
            (place,) = struct.unpack_from(order + word, content, at)
            # on a word boundary, behind the file's header
            if place < 8 or place % 2 or place in pages:
                break
            pages[place] = 0
            (entries,) = struct.unpack_from(order + count, content, place)
            first = place + struct.calcsize(order + count)
            at = first + entries * entry
            sides = {256: 0, 257: 0}  # width and height
            for start in range(first, at, entry):
                tag, kind = struct.unpack_from(order + 'HH', content, start)
                if tag in sides:
                    form = order + ('H' if kind == 3 else word)
                    value = start + entry - struct.calcsize(word)
                    side = struct.unpack_from(form, content, value)[0]
                    sides[tag] = max(sides[tag], side)
            pages[place] = sides[256] * sides[257]
    except (struct.error, OverflowError):  # beyond the end of the file
        pass
    return list(pages.values())


def to_display(image: np.ndarray) -> np.ndarray:
    """Stretch an image of any type, without alpha, to (H, W) uint8 gray."""
    gray = image[..., :3].mean(axis=-1) if image.ndim == 3 else image
    gray = np.nan_to_num(gray.astype(np.float32))
    span = max(float(np.ptp(gray)), 1e-12)
    return ((gray - gray.min()) / span * 255).astype(np.uint8)


def least_scale(shape: tuple[int, int], min_side: int) -> int:
    """Whole factor that makes the shorter side at least `min_side` px."""
    return max(1, -(-min_side // min(shape)))


def enlarge(image: np.ndarray, scale: int) -> np.ndarray:
    """Repeat the pixels of an image (H, W) or (H, W, C)."""
    return image.repeat(scale, axis=0).repeat(scale, axis=1)
