"""Which files count as images and videos, in the whole package."""

import os.path as osp
import unicodedata
from collections.abc import Sequence
from pathlib import PurePath

TIFF_SUFFIXES = ('.tif', '.tiff')
# the preferred first, where an image has several files
IMAGE_SUFFIXES = (
    *('.png', '.bmp', '.jpg', '.jpeg', *TIFF_SUFFIXES, '.webp', '.pgm'),
)
VIDEO_SUFFIXES = (
    *('.avi', '.mp4', '.mkv', '.mov', '.mpg', '.mpeg', '.webm', '.gif'),
)


def is_hidden(name: str | PurePath) -> bool:
    """Whether a file below a folder is hidden, or added by a system."""
    path = PurePath(name)
    dotted = any(part.startswith('.') for part in path.parts)
    return dotted or path.name.lower() in ('thumbs.db', 'desktop.ini')


def is_image(name: str | PurePath) -> bool:
    """Whether a file below a folder counts as an image, in any case."""
    return str(name).lower().endswith(IMAGE_SUFFIXES) and not is_hidden(name)


def strip_suffix(name: str, suffixes: Sequence[str] = IMAGE_SUFFIXES) -> str:
    """Take the suffix off a name, if it has one."""
    for suffix in sorted(suffixes, key=len, reverse=True):
        if suffix and name.lower().endswith(suffix.lower()):
            return name[: -len(suffix)]
    return name


def as_tuple(suffix: str | Sequence[str]) -> tuple[str, ...]:
    """One suffix or several, as a tuple."""
    return (suffix,) if isinstance(suffix, str) else tuple(suffix)


def composed(name: str) -> str:
    """A name in NFC; some systems write other forms of the same letters."""
    return unicodedata.normalize('NFC', name)


def same_name(name: str) -> str:
    """Form of a file name for comparisons: NFC, suffix in lower case."""
    stem, suffix = osp.splitext(composed(name))
    return stem + suffix.lower()
