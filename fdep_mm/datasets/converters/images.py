"""Image files, looked at without decoding them."""

from pathlib import Path

from PIL import Image

from fdep_mm.core.image import unreadable
from fdep_mm.core.suffixes import IMAGE_SUFFIXES

from ..folders import Folder


def image_shape(path: str | Path) -> tuple[int, int]:
    """Height and width of an image file, without decoding it.

    Returns:
        tuple[int, int]: In px.

    Raises:
        ValueError: It is not an image.
    """
    try:
        with Image.open(path) as image:
            return image.height, image.width
    except (OSError, SyntaxError) as error:  # Pillow raises both
        raise unreadable(str(path), 'image', error) from error
    except Image.DecompressionBombError as error:
        raise ValueError(
            f'{path}: {error}. Cut it into smaller images or take its id out '
            'of the split'
        ) from error


def find_image(folder: Path, image_id: str) -> Path:
    """Image file of an id.

    Raises:
        ValueError: There is none.
    """
    for suffix in IMAGE_SUFFIXES:  # without a look at the whole folder
        path = folder / f'{image_id}{suffix}'
        if path.is_file():
            return path
    if names := Folder(folder, IMAGE_SUFFIXES).find(image_id)[0]:
        return folder / names[0]
    raise ValueError(
        f'{image_id}: no image of this name in {folder}, ending with '
        f'{", ".join(IMAGE_SUFFIXES)}'
    )
