"""What a cache of priors holds, and of what: ``index.json``."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from .errors import PriorCacheError

FILE = 'index.json'
FORMAT = 2
BLOCK = 1 << 20  # bytes


@dataclass(frozen=True)
class Entry:
    """The prior of one image.

    Attributes:
        file (str): Its safetensors file, relative to the cache.
        bytes (int): Size of that file.
        sha256 (str): Of that file.
        image (str): ``file:`` and the SHA-256 of the image's file, or
            ``pixels:`` and that of its pixels where there is no file.
        size (tuple[int]): Height and width of the image in px.
        levels (tuple[float]): Mean grey level of each channel, and the
            standard deviation of all: another way of loading changes them.
    """

    file: str
    bytes: int
    sha256: str
    image: str
    size: tuple[int, int]
    levels: tuple[float, ...]

    def __post_init__(self) -> None:
        # JSON has lists only
        object.__setattr__(self, 'size', tuple(self.size))
        object.__setattr__(self, 'levels', tuple(self.levels))


@dataclass
class CacheIndex:
    """Description of a cache.

    Attributes:
        vfm (dict): What decides its maps, see :func:`~.identity.describe`,
            and ``weights_sha256``, of all weights.
        layers (tuple[int]): Blocks or stages of the VFM, ascending.
        channels (tuple[int]): Channels of each layer's map, as stored.
        strides (tuple[int]): Stride of each at input scale 1.
        dtype (str): 'float16' or 'float32'.
        loading (list[str]): Transforms that loaded the images.
        pca (dict, optional): ``channels`` kept and ``explained``, the share
            of each layer's variance in them.
        images (dict[str, Entry]): By name, see :func:`image_name`.
    """

    vfm: dict
    layers: tuple[int, ...]
    channels: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: str
    loading: list[str]
    pca: dict | None = None
    images: dict[str, Entry] = field(default_factory=dict)

    @property
    def input_scale(self) -> float:
        """Factor on height and width of the VFM's input."""
        return self.vfm['input_scale']

    @property
    def record(self) -> dict:
        """What maps of two caches must have in common."""
        return dict(self.vfm, pca=self.pca)

    @classmethod
    def read(cls, folder: str | Path) -> 'CacheIndex':
        """Read the index of a cache.

        Args:
            folder (str | Path): The cache.

        Returns:
            CacheIndex: Its description.

        Raises:
            PriorCacheError: There is none, or it cannot be read.
        """
        path = Path(folder, FILE)
        if not path.is_file():
            raise PriorCacheError(
                f'cache={str(folder)!r}: no file {FILE} in it. Make the cache '
                'with tools/cache_priors.py CONFIG --out FOLDER and name that '
                'FOLDER'
            )
        try:
            record = json.loads(path.read_text('utf-8'))
            found = record.pop('format')
            if found == 1:
                raise PriorCacheError(
                    f'{path}: an older version of fdep_mm made this cache, '
                    'which did not note whether colours came as BGR or RGB. '
                    'Remove the folder, or give another --out, and run '
                    'tools/cache_priors.py again'
                )
            if found != FORMAT:
                raise ValueError(f'format {found}, {FORMAT} is known')
            images = record.pop('images')
            for key in ('layers', 'channels', 'strides'):
                record[key] = tuple(record[key])
            index = cls(**record)
            index.images = {k: Entry(**v) for k, v in images.items()}
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise PriorCacheError(
                f'{path}: not an index of priors, or damaged '
                f'({type(error).__name__}: {error}). Remove it and run '
                'tools/cache_priors.py again: maps that are there are kept'
            ) from error
        return index

    def to_json(self) -> str:
        """The content of ``index.json``."""
        record = dict(format=FORMAT, **asdict(self))
        return json.dumps(record, indent=1) + '\n'


def image_name(img_path: str) -> str:
    """Name of an image in a cache; the same where the data was moved.

    Args:
        img_path (str): Path of its file, or its name where it has none.

    Returns:
        str: The last three parts of the path, with slashes.
    """
    parts = [p for p in str(img_path).replace('\\', '/').split('/') if p]
    parts = [part.replace(':', '_') for part in parts if part != '..']
    return '/'.join(parts[-3:])


def file_sha256(path: str | Path) -> str:
    """SHA-256 of a file's content."""
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def image_hash(img_path: str, img: np.ndarray) -> str:
    """Hash of an image, see :class:`Entry`.

    Args:
        img_path (str): Path of its file, or its name where it has none.
        img (np.ndarray): Its pixels.

    Returns:
        str: ``file:...`` or ``pixels:...``.
    """
    if Path(img_path).is_file():
        return f'file:{file_sha256(img_path)}'
    return f'pixels:{hashlib.sha256(np.ascontiguousarray(img)).hexdigest()}'


def grey_levels(img: np.ndarray) -> tuple[float, ...]:
    """Means of an image's channels and its standard deviation."""
    means = img.reshape(-1, img.shape[-1]).mean(0, dtype=np.float64)
    return (*(round(float(m), 3) for m in means), round(float(img.std()), 3))
