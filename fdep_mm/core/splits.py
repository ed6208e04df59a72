"""Split files: text with one image id per line.

Needs nothing beyond Python.
"""

from pathlib import Path, PureWindowsPath


def read_ids(path: Path) -> list[str]:
    """Read the ids of a split file; blank lines are ignored.

    Args:
        path (Path): The file.

    Returns:
        list[str]: In the order of the file, may be empty. They may lead out
        of the data set, see :func:`leaves_root`.

    Raises:
        ValueError: It cannot be read as text.
    """
    try:
        lines = path.read_text(encoding='utf-8-sig').splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f'{path}: not a readable split file: {error}') from (
            error
        )
    return [line.strip() for line in lines if line.strip()]


def leaves_root(name: str) -> bool:
    """Whether a relative name leads, or may lead, out of its folder.

    Args:
        name (str): With / or \\ between its parts.

    Returns:
        bool: True for absolute names, ``..`` and NUL characters.
    """
    # PureWindowsPath splits at / and at \, and knows drive letters.
    path = PureWindowsPath(name)
    return '..' in path.parts or bool(path.anchor) or '\0' in name
