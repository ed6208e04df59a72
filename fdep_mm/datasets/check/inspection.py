"""What one image, its mask and its boxes hold."""

from dataclasses import dataclass, field
from hashlib import blake2b
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from fdep_mm.core.boxes import mask_boxes
from fdep_mm.core.image import TIFF_STARTS, count_pages
from fdep_mm.core.masks import read_mask

from ..folders import Sample
from ..sirst_xml import parse_boxes
from .targets import Target, measure_targets

# What Pillow raises for damaged files: several formats have their own.
DAMAGED = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)


@dataclass
class Record:
    """One inspected sample.

    Attributes:
        sample (Sample): Its files.
        problems (list[tuple[str, str]]): Code and detail, see
            :data:`~.findings.CODES`.
        shape (tuple[int, int] | None): Height and width of the image; None
            if it cannot be read, and then the following are empty too.
        dtype (str): 'uint8' or 'uint16'.
        channels (int): As stored; a palette has three.
        low (float): Least grey value of the file.
        high (float): Largest grey value of the file.
        mean (float): Mean grey value, scaled to 0..255 by the file's type.
        std (float): Their standard deviation, scaled in the same way.
        digest (str): Equal for equal grey pixels.
        thumbnail (np.ndarray | None): float32 (side * side,), mean 0 and
            length 1, or 0 throughout for an image of one value.
        targets (list[Target] | None): Of the mask; None without one.
        boxes (np.ndarray | None): (G, 4) of the XML file minus 1.
        mask_boxes (np.ndarray | None): (G, 4) of the mask.
    """

    sample: Sample
    problems: list[tuple[str, str]] = field(default_factory=list)
    shape: tuple[int, int] | None = None
    dtype: str = ''
    channels: int = 0
    low: float = 0
    high: float = 0
    mean: float = 0
    std: float = 0
    digest: str = ''
    thumbnail: np.ndarray | None = None
    targets: list[Target] | None = None
    boxes: np.ndarray | None = None
    mask_boxes: np.ndarray | None = None


def inspect(sample: Sample, side: int = 48, margin: int = 10) -> Record:
    """Read the files of a sample; nothing that is wrong in them raises.

    Args:
        side (int): Of the thumbnail in px.
        margin (int): Width in px of the surroundings that a target's contrast
            is measured against.
    """
    record = Record(sample)
    try:
        grey = _inspect_image(record, side)
    except DAMAGED as error:
        record.problems.append(('image-unreadable', _reason(error)))
        grey = None
    mask = None if sample.mask is None else _read_mask(record)
    if mask is not None:
        record.mask_boxes = mask_boxes(mask)
        if grey is not None and grey.shape != mask.shape:
            detail = f'image {_size(grey.shape)}, mask {_size(mask.shape)}'
            record.problems.append(('size-mismatch', detail))
        elif grey is not None:
            record.targets = measure_targets(grey, mask, margin)
    if sample.boxes is not None:
        try:
            content = sample.boxes.read_bytes()
            boxes = parse_boxes(content, sample.boxes.name)
            if not np.isfinite(boxes).all():
                raise ValueError('has a box that is not finite')
            record.boxes = boxes
            if not len(boxes) and b'<object' in content:
                record.problems.append(('box-none', sample.boxes.name))
        except (OSError, ValueError) as error:
            record.problems.append(('box-unreadable', _reason(error)))
    return record


def read_pixels(path: Path) -> np.ndarray:
    """Decode a file as stored, and refuse what is cut off.

    Returns:
        np.ndarray: (H, W) or (H, W, C), colours in OpenCV's order.

    Raises:
        ValueError: It cannot be decoded. Pillow's exceptions, see
            :data:`DAMAGED`, if it is damaged.
    """
    content = path.read_bytes()
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


def thumbnail(grey: np.ndarray, side: int) -> np.ndarray:
    """Make a small copy whose products are correlations.

    Args:
        grey (np.ndarray): (H, W) uint8 or uint16.
        side (int): Height and width of the copy in px.

    Returns:
        np.ndarray: float32 (side * side,), mean 0 and length 1; 0 throughout
        for an image of one value.
    """
    # Pillow resizes 8-bit images to whole levels, others to fractions.
    if grey.dtype != np.uint8:
        grey = grey.astype(np.float32)
    image = Image.fromarray(grey)
    small = np.array(image.resize((side, side), Image.Resampling.BILINEAR))
    small = small.ravel() - small.mean(dtype=np.float64)
    length = np.linalg.norm(small)
    # Rounding leaves some 1e-5 of a level where all pixels are equal.
    small /= length if length > 1e-3 * side else np.inf
    return small.astype(np.float32)


def _inspect_image(record: Record, side: int) -> np.ndarray | None:
    """Fill in what the image tells; returns (H, W) float32 in 0..255."""
    pixels = read_pixels(record.sample.image)
    if pixels.dtype not in (np.uint8, np.uint16):
        record.problems.append(('image-type', str(pixels.dtype)))
        return None
    content = record.sample.image.read_bytes()
    if content.startswith(TIFF_STARTS) and count_pages(content) > 1:
        detail = f'{count_pages(content)} pages'
        record.problems.append(('image-pages', detail))
    record.channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    if pixels.ndim == 3:
        pixels = pixels[..., :3]  # without alpha
        cast = np.ptp(pixels, axis=-1).max()
        if cast:
            detail = f'channels differ by up to {cast}'
            record.problems.append(('image-colour', detail))
        pixels = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    record.shape = pixels.shape
    record.dtype = str(pixels.dtype)
    record.low, record.high = float(pixels.min()), float(pixels.max())
    if record.low == record.high:
        record.problems.append(('image-flat', f'value {record.low:g}'))
    shape = str(pixels.shape).encode()
    content = np.ascontiguousarray(pixels).tobytes()
    record.digest = blake2b(shape + content, digest_size=16).hexdigest()
    grey = pixels.astype(np.float32)
    grey *= np.float32(255 / np.iinfo(pixels.dtype).max)
    record.mean = float(grey.mean(dtype=np.float64))
    record.std = float(grey.std(dtype=np.float64))
    record.thumbnail = thumbnail(pixels, side)
    return grey


def _read_mask(record: Record) -> np.ndarray | None:
    path = record.sample.mask
    try:
        with Image.open(path) as image:
            image.load()
    except DAMAGED as error:
        record.problems.append(('mask-unreadable', _reason(error)))
        return None
    try:
        return read_mask(path)
    except ValueError as error:  # readable, so its values
        detail = str(error).removeprefix(f'{path}: ').split('. ')[0]
        record.problems.append(('mask-values', detail))
        return None


def _reason(error: Exception) -> str:
    return str(error).replace('\n', ' ') or type(error).__name__


def _size(shape: tuple[int, int]) -> str:
    return f'{shape[1]}x{shape[0]}'
