"""Split files: text with one image id per line."""

from pathlib import Path, PureWindowsPath

from .suffixes import composed


def read_ids(path: Path) -> list[str]:
    """Read the ids of a split file, in its order; ValueError if not text.

    Blank lines are ignored. Ids may leave the data set: :func:`leaves_root`.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        text = f'{path}: not a readable split file: {error}'
        raise ValueError(text) from error
    return decode_ids(content, str(path))


def decode_ids(content: bytes, name: str) -> list[str]:
    """Ids of the content of a split file, see :func:`read_ids`."""
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
