"""Image files, looked at without decoding them."""

from pathlib import Path

from PIL import Image

from fdep_mm.core.suffixes import IMAGE_SUFFIXES

from ..folders import Folder


def image_shape(path: Path) -> tuple[int, int]:
    """Height and width of an image file, without decoding it.

    Args:
        path (Path): The file.

    Returns:
        tuple[int, int]: In px.

    Raises:
        ValueError: It is not an image.
    """
    try:
        with Image.open(path) as image:
            return image.height, image.width
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f'{path}: not a readable image: {error}') from error


def find_image(folder: Path, image_id: str) -> Path:
    """Image file of an id.

    Args:
        folder (Path): Of the images.
        image_id (str): Name with or without suffix.

    Returns:
        Path: The file.

    Raises:
        ValueError: There is none.
    """
    for suffix in IMAGE_SUFFIXES:
        path = folder / f'{image_id}{suffix}'
        if path.is_file():
            return path
    if names := Folder(folder, IMAGE_SUFFIXES).find(image_id)[0]:
        return folder / names[0]
    raise ValueError(
        f'{image_id}: no image of this name in {folder}, ending with '
        f'{", ".join(IMAGE_SUFFIXES)}'
    )
