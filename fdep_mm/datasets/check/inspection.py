"""What one image, its mask and its boxes hold."""

from dataclasses import dataclass, field
from hashlib import blake2b
from io import BytesIO

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from fdep_mm.core.boxes import mask_boxes
from fdep_mm.core.gray import usual_limits
from fdep_mm.core.image import TIFF_STARTS, UnreadableFileError, count_pages
from fdep_mm.core.masks import read_mask
from fdep_mm.core.text import first_line

from ..folders import Sample
from ..sirst_xml import parse_boxes
from .targets import MeasuredTarget, measure_targets

# What Pillow raises for damaged files: several formats have their own.
DAMAGED = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)
SIDE = 48  # of thumbnails in px


@dataclass
class Record:
    """One inspected sample; see :data:`~.findings.CODES` for problems."""

    sample: Sample
    problems: list[tuple[str, str]] = field(default_factory=list)
    # height and width; None where the image cannot be read
    shape: tuple[int, int] | None = None
    dtype: str = ''  # 'uint8' or 'uint16'
    channels: int = 0  # as stored; a palette has three
    low: float = 0  # least and largest gray value, apart from bad pixels
    high: float = 0
    mean: float = 0  # of the gray values, scaled to 0..255 by the type
    std: float = 0
    digest: str = ''  # equal for equal gray pixels
    thumbnail: np.ndarray | None = None
    targets: list[MeasuredTarget] | None = None  # of the mask
    boxes: np.ndarray | None = None  # (G, 4) of the XML file minus 1
    mask_boxes: np.ndarray | None = None  # (G, 4)


def inspect(sample: Sample) -> Record:
    """Read the files of a sample; nothing that is wrong in them raises."""
    record = Record(sample)
    gray = _inspect_image(record)
    if sample.mask is not None:
        _inspect_mask(record, gray)
    if sample.boxes is not None:
        _inspect_boxes(record)
    return record


def decode_whole(content: bytes) -> np.ndarray:
    """Decode a file as stored, colors as BGR; one of DAMAGED if cut off."""
    try:
        with Image.open(BytesIO(content)) as image:
            image.load()  # OpenCV returns the upper part of damaged files
    except UnidentifiedImageError as error:  # it would name the buffer
        raise ValueError('not an image file') from error
    buffer = np.frombuffer(content, np.uint8)
    pixels = cv2.imdecode(buffer, cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise ValueError('OpenCV cannot decode it')
    return pixels


def thumbnail(gray: np.ndarray) -> np.ndarray:
    """A small copy of an image (H, W) whose products are correlations.

    float32 (SIDE * SIDE,), mean 0 and length 1; 0 of flat images.
    """
    # Pillow resizes 8-bit images to whole levels, others to fractions.
    if gray.dtype != np.uint8:
        gray = gray.astype(np.float32)
    image = Image.fromarray(gray)
    small = np.array(image.resize((SIDE, SIDE), Image.Resampling.BILINEAR))
    small = small.ravel() - small.mean(dtype=np.float64)
    length = np.linalg.norm(small)
    # Rounding leaves some 1e-5 of a level where all pixels are equal.
    small /= length if length > 1e-3 * SIDE else np.inf
    return small.astype(np.float32)


def _inspect_image(record: Record) -> np.ndarray | None:
    """Fill in what the image tells; returns (H, W) float32 in 0..255."""
    problems = record.problems
    try:
        content = record.sample.image.read_bytes()
        pixels = decode_whole(content)
    except DAMAGED as error:
        problems.append(('image-unreadable', first_line(error)))
        return None
    if pixels.dtype not in (np.uint8, np.uint16):
        problems.append(('image-type', str(pixels.dtype)))
        return None
    pages = count_pages(content) if content.startswith(TIFF_STARTS) else 1
    if pages > 1:
        problems.append(('image-pages', f'{pages} pages'))
    record.channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    if pixels.ndim == 3:
        pixels = pixels[..., :3]  # without alpha
        if cast := np.ptp(pixels, axis=-1).max():
            problems.append(('image-color', f'channels differ by {cast}'))
        pixels = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    record.shape = pixels.shape
    record.dtype = str(pixels.dtype)
    record.low, record.high = usual_limits(pixels)
    if np.ptp(pixels) == 0:
        problems.append(('image-flat', f'value {record.low:g}'))
    # flat images of two sizes can have the same bytes
    content = str(pixels.shape).encode() + pixels.tobytes()
    record.digest = blake2b(content, digest_size=16).hexdigest()
    gray = pixels.astype(np.float32)
    gray *= np.float32(255 / np.iinfo(pixels.dtype).max)
    record.mean = float(gray.mean(dtype=np.float64))
    record.std = float(gray.std(dtype=np.float64))
    record.thumbnail = thumbnail(pixels)
    return gray


def _inspect_mask(record: Record, gray: np.ndarray | None) -> None:
    path = record.sample.mask
    try:
        mask = read_mask(path)
    except ValueError as error:
        damaged = isinstance(error, UnreadableFileError)
        code = 'mask-unreadable' if damaged else 'mask-values'
        detail = str(error).removeprefix(f'{path}: ')
        record.problems.append((code, detail))
        return
    record.mask_boxes = mask_boxes(mask)
    if gray is not None and gray.shape == mask.shape:
        record.targets = measure_targets(gray, mask)
    elif gray is not None:
        sides = 'image {1}x{0}, mask {3}x{2}'.format(*gray.shape, *mask.shape)
        record.problems.append(('size-mismatch', sides))


def _inspect_boxes(record: Record) -> None:
    path = record.sample.boxes
    try:
        content = path.read_bytes()
        record.boxes = parse_boxes(content, path.name)
    except (OSError, ValueError) as error:
        record.problems.append(('box-unreadable', first_line(error)))
        return
    if not len(record.boxes) and b'<object' in content:
        record.problems.append(('box-none', path.name))
