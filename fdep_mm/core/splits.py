"""Split files: text with one image id per line.

Needs nothing beyond Python.
"""

from pathlib import Path, PureWindowsPath

from .suffixes import composed


def read_ids(path: Path) -> list[str]:
    """Read the ids of a split file; blank lines are ignored.

    Returns:
        list[str]: In the order of the file, may be empty. They may lead out
        of the data set, see :func:`leaves_root`.

    Raises:
        ValueError: It cannot be read as text.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f'{path}: not a readable split file: {error}') from (
            error
        )
    return decode_ids(content, str(path))


def decode_ids(content: bytes, name: str) -> list[str]:
    """Ids of the content of a split file, see :func:`read_ids`.

    Raises:
        ValueError: It is no text in UTF-8.
    """
    try:
        text = content.decode('utf-8-sig')
        if '\0' in text:
            raise ValueError('it holds NUL characters, as UTF-16 does')
    except ValueError as error:
        raise ValueError(
            f'{name}: not a readable split file: {error}. Save it as UTF-8 '
            'text, one id per line'
        ) from error
    lines = map(str.strip, composed(text).splitlines())
    return [line for line in lines if line]


def leaves_root(name: str) -> bool:
    """Whether a relative name leads, or may lead, out of its folder."""
    # PureWindowsPath splits at / and at \, and knows drive letters.
    path = PureWindowsPath(name)
    return '..' in path.parts or bool(path.anchor) or '\0' in name
